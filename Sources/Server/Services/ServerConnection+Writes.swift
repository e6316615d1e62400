// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Transport
internal import Wire

/// `Features.Write` and `WriteStream`.
extension ServerConnection {
    func write(_ call: Call, _ now: Timestamp) {
        let ticket = ticket(call)
        do throws(EngineError) {
            try queue(call, now) { [answers = context.answers!] result in
                let outcome: Answer.Outcome =
                    switch result {
                    case .success(let response): .reply(response.encodedBytes())
                    case .failure(let error): .refusal(error)
                    }
                _ = answers.post(Answer(ticket: ticket, outcome: outcome))
            }
        } catch {
            refuse(call, error)
        }
    }

    /// Hands a write to the engine, which answers through `completion` on another thread.
    private func queue(
        _ call: Call, _ now: Timestamp, _ completion: @escaping @Sendable (WriteResult) -> Void
    ) throws(EngineError) {
        try context.expectAnswer()
        do throws(EngineError) {
            try context.worker.write(call.message, at: now, completion: completion)
        } catch {
            context.expectNoAnswer()
            throw error
        }
    }

    /// Queues one write of a stream; a refused one is answered in its place and the stream goes on.
    func writeNext(_ call: Call, _ now: Timestamp) {
        let ticket = ticket(call)
        var open = 0
        if case .writes(let count, _, _) = streams[call.id] { open = count }
        let sequence = Self.sequence(of: call.message)
        do throws(EngineError) {
            try queue(call, now) { [answers = context.answers!] result in
                let response =
                    switch result {
                    case .success(let response): response
                    case .failure(let error): Self.refused(sequence, error)
                    }
                _ = answers.post(Answer(ticket: ticket, outcome: .message(response.encodedBytes())))
            }
            open += 1
        } catch {
            session.reply(call, message: Self.refused(sequence, error).encodedBytes().span)
        }
        let isPaused =
            open >= StreamLimits.openWritesMax
            || call.pendingReplyBytes > StreamLimits.waitingReplyBytesMax
        if isPaused { session.pause(call) }
        streams[call.id] = .writes(open: open, hasEnded: false, isPaused: isPaused)
    }

    /// One write of a stream was answered.
    func writeAnswered(_ call: Call) {
        guard case .writes(let open, let hasEnded, var isPaused) = streams[call.id] else { return }
        if hasEnded, open == 1 { return finish(call, .ok) }
        if isPaused, open - 1 <= StreamLimits.openWritesMax / 2,
            call.pendingReplyBytes <= StreamLimits.waitingReplyBytesMax
        {
            isPaused = false
            session.resume(call)
        }
        streams[call.id] = .writes(open: open - 1, hasEnded: hasEnded, isPaused: isPaused)
        if !isPaused { answerEvents() }
    }

    /// The client sends no more; the call ends with its last answer.
    func finishWrites(_ call: Call) {
        guard case .writes(let open, _, _) = streams[call.id], open > 0 else {
            return finish(call, .ok)
        }
        streams[call.id] = .writes(open: open, hasEnded: true, isPaused: false)
    }

    private static func refused(_ sequence: UInt64, _ error: EngineError) -> KassaV1.WriteResponse {
        KassaV1.WriteResponse(
            sequence: sequence, refusal: refusal(error))
    }

    /// The sequence number of a request, as far as it can be read.
    private static func sequence(of message: Span<UInt8>) -> UInt64 {
        typealias Field = KassaV1.WriteRequest.Field
        var reader = WireReader(message)
        var sequence: UInt64 = 0
        while let tag = try? reader.next() {
            do throws(WireError) {
                if tag.rawValue == WireTag.rawValue(of: Field.sequence, .varint) {
                    sequence = try reader.uint64()
                } else {
                    try reader.skip(tag)
                }
            } catch { return sequence }
        }
        return sequence
    }
}
