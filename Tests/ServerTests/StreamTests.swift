// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import GRPC
import Testing
import Wire

@testable import Server

struct `A stream` {
    private func write(_ sequence: UInt64) -> [UInt8] {
        KassaV1.WriteRequest(
            featureSet: "cart", keys: [KassaV1.KeyColumn(kind: "session", ids: ["s"])],
            columns: [
                KassaV1.Column(
                    name: "items", values: .integers(KassaV1.IntegerValues(values: [1])))
            ], sequence: sequence
        ).encodedBytes()
    }

    private func openWrites(_ desk: Desk) -> (open: Int, isPaused: Bool)? {
        for stream in desk.connection.streams.values {
            if case .writes(let open, _, let isPaused) = stream { return (open, isPaused) }
        }
        return nil
    }

    @Test func `has as many unanswered writes as the limit says, and no more`() throws {
        let desk = try Desk()
        defer { desk.control.stop() }
        let bytes = applyCart
        let request = try KassaV1.ApplyRequest(decoding: bytes.span)
        _ = try desk.engine.apply(request, at: .now())
        let id = try #require(desk.open(.writeStream, tag: 1, write(0)))
        // Nobody runs the loop, so that no answer comes by itself.
        for sequence in 1..<StreamLimits.openWritesMax - 1 {
            desk.client.send(id, message: write(UInt64(sequence)).span)
        }
        desk.run()
        #expect(openWrites(desk)?.open == StreamLimits.openWritesMax - 1)
        #expect(openWrites(desk)?.isPaused == false)
        for sequence in 0..<40 { desk.client.send(id, message: write(UInt64(sequence)).span) }
        desk.run()
        #expect(openWrites(desk)?.open == StreamLimits.openWritesMax)
        #expect(openWrites(desk)?.isPaused == true)
        // It is read again once half of them are answered.
        let call = try #require(desk.connection.streams.keys.first)
        let answer = Answer(
            ticket: Ticket(connection: desk.connection.id, call: call),
            outcome: .message(KassaV1.WriteResponse(sequence: 1).encodedBytes()))
        for _ in 0..<StreamLimits.openWritesMax / 2 - 1 {
            desk.connection.take(answer, now: desk.now)
        }
        #expect(openWrites(desk)?.isPaused == true)
        desk.connection.take(answer, now: desk.now)
        #expect(openWrites(desk)?.isPaused == false)
        #expect(openWrites(desk)?.open == StreamLimits.openWritesMax / 2 + 39)
    }

    @Test(arguments: [0, 1])
    func `waits once more reply bytes wait than the limit says`(over: Int) throws {
        let desk = try Desk()
        defer { desk.control.stop() }
        let request = KassaV1.ScoreRequest(scorer: "s").encodedBytes()
        let id = try #require(desk.open(.scoreStream, tag: 1, request))
        // A refusal, with its prefix of five bytes.
        let replyBytes = try #require(desk.replies[1]?.first).count + 5
        let count = StreamLimits.waitingReplyBytesMax / replyBytes + over
        for _ in 0..<count { desk.client.send(id, message: request.span) }
        // Nothing is sent meanwhile.
        var up = ByteBuffer(capacity: 1_024)
        desk.client.produce(into: &up)
        desk.connection.receive(up.bytes, now: desk.now)
        #expect(desk.connection.streams.isEmpty == (over == 0))
        desk.run()
        #expect(desk.connection.streams.isEmpty)
        #expect(desk.replies[1]?.count == count + 1)
    }

    @Test func `tells what was refused for want of room when to come again`() {
        let full = ServerConnection.refusal(
            EngineError(
                .resourceExhausted, "full",
                retryMilliseconds: EngineLimits.queueRetryMilliseconds))
        #expect(full.retryAfterMs == 100)
        #expect(full.code == 8)
        // Waiting does not make a full map larger.
        let forGood = ServerConnection.refusal(EngineError(.resourceExhausted, "full"))
        #expect(forGood.retryAfterMs == 0)
        let busy = ServerConnection.refusal(WorkQueue.busy)
        #expect(busy.retryAfterMs == 1_000)
        let wrong = ServerConnection.refusal(EngineError(.invalidArgument, "wrong"))
        #expect(wrong.retryAfterMs == 0)
    }
}
