// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Transport
internal import Wire

/// `Storage`: what is quick is done by the control thread, what is long by a thread of its own.
extension ServerConnection {
    func storage(_ call: Call, _ rpc: RPC, _ now: Timestamp) {
        do throws(WireError) {
            switch rpc {
            case .storeStats:
                _ = try KassaV1.StoreStatsRequest(decoding: call.message)
                submit(call) { engine in engine.storeStatistics().encodedBytes() }
            case .verifyStore:
                let request = try KassaV1.VerifyStoreRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.verifyStore(request).encodedBytes()
                }
            case .snapshotStore:
                let request = try KassaV1.SnapshotStoreRequest(decoding: call.message)
                submitLong(call) { engine throws(EngineError) in
                    try engine.snapshotStore(request, at: now).encodedBytes()
                }
            default:
                preconditionFailure("no method of the storage service")
            }
        } catch {
            refuse(call, EngineError(.malformed, "\(rpc.method.request): \(error)"))
        }
    }

    /// Has the thread for long work carry out `work`, unless the caller has given up by then.
    private func submitLong(
        _ call: Call, _ work: @escaping @Sendable (Engine) throws(EngineError) -> [UInt8]
    ) {
        let ticket = ticket(call)
        let deadline = call.deadline
        do throws(EngineError) {
            try context.expectAnswer()
            let isQueued = context.engine.submitLong {
                [engine = context.engine, answers = context.answers!] in
                let outcome: Answer.Outcome
                do throws(EngineError) {
                    guard MonotonicTime.now() < deadline else {
                        throw EngineError(.unavailable, "the deadline passed before it was begun")
                    }
                    outcome = .reply(try work(engine))
                } catch {
                    outcome = .refusal(error)
                }
                _ = answers.post(Answer(ticket: ticket, outcome: outcome))
            }
            if !isQueued {
                context.expectNoAnswer()
                throw EngineError(
                    .resourceExhausted, "too much long work is queued; try again later")
            }
        } catch {
            refuse(call, error)
        }
    }
}
