// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import GRPC

/// Every refusal of a request, sent frame by frame; afterwards the connection still serves.
@Suite struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var changes: [(String, String?)] = []
        var body: [UInt8]? = RawPeer.message([1, 2, 3])
        let expected: String
        var events: [String] = []
    }

    static let cases: [Case] = [
        Case(
            testDescription: "valid", expected: "grpc-status: 0", events: ["message 7 3"]),
        Case(
            testDescription: "content type with a suffix",
            changes: [("content-type", "application/grpc+proto")], expected: "grpc-status: 0",
            events: ["message 7 3"]),
        Case(
            testDescription: "no te at all", changes: [("te", nil)], expected: "grpc-status: 0",
            events: ["message 7 3"]),
        Case(
            testDescription: "other te", changes: [("te", "gzip")], expected: ":status: 400"),
        Case(
            testDescription: "content type of the web",
            changes: [("content-type", "application/json")], expected: ":status: 415"),
        Case(
            testDescription: "content type that only begins alike",
            changes: [("content-type", "application/grpcx")], expected: ":status: 415"),
        Case(
            testDescription: "no content type", changes: [("content-type", nil)],
            expected: ":status: 415"),
        Case(
            testDescription: "no authority", changes: [(":authority", nil)],
            expected: ":status: 400"),
        Case(
            testDescription: "host in the place of an authority",
            changes: [(":authority", nil), ("host", "t")], expected: "grpc-status: 0",
            events: ["message 7 3"]),
        Case(testDescription: "PUT", changes: [(":method", "PUT")], expected: ":status: 405"),
        Case(
            testDescription: "unknown method", changes: [(":path", "/t.T/Unarx")],
            expected: "grpc-status: 12"),
        Case(
            testDescription: "path with a tail", changes: [(":path", "/t.T/Unary/")],
            expected: "grpc-status: 12"),
        Case(
            testDescription: "timeout of 9 digits", changes: [("grpc-timeout", "123456789m")],
            expected: "grpc-status: 13"),
        Case(
            testDescription: "timeout without unit", changes: [("grpc-timeout", "12")],
            expected: "grpc-status: 13"),
        Case(
            testDescription: "negative timeout", changes: [("grpc-timeout", "-1m")],
            expected: "grpc-status: 13"),
        Case(
            testDescription: "timeout of nothing", changes: [("grpc-timeout", "0m")],
            expected: "grpc-status: 4"),
        Case(
            testDescription: "largest timeout", changes: [("grpc-timeout", "99999999H")],
            expected: "grpc-status: 0", events: ["message 7 3"]),
        Case(
            testDescription: "gzip", changes: [("grpc-encoding", "gzip")],
            expected: "grpc-accept-encoding: identity"),
        Case(
            testDescription: "compressed flag", body: RawPeer.message([1], flag: 1),
            expected: "grpc-status: 13"),
        Case(
            testDescription: "flag 2", body: RawPeer.message([1], flag: 2),
            expected: "grpc-status: 13"),
        Case(testDescription: "no body", body: nil, expected: "grpc-status: 12"),
        Case(testDescription: "empty body", body: [], expected: "grpc-status: 12"),
        Case(testDescription: "half a prefix", body: [0, 0, 0], expected: "grpc-status: 13"),
        Case(
            testDescription: "end inside the message", body: [0, 0, 0, 0, 9, 1],
            expected: "grpc-status: 13"),
        Case(
            testDescription: "second message",
            body: RawPeer.message([1]) + RawPeer.message([2]), expected: "grpc-status: 12"),
        Case(
            testDescription: "trailing byte", body: RawPeer.message([1]) + [0],
            expected: "grpc-status: 12"),
        Case(
            testDescription: "length of 2^32-1", body: [0, 255, 255, 255, 255, 1],
            expected: "grpc-status: 8"),
        Case(
            testDescription: "length of 2^31", body: [0, 128, 0, 0, 0, 1],
            expected: "grpc-status: 8"),
        Case(
            testDescription: "an empty message", body: RawPeer.message([]),
            expected: "grpc-status: 0", events: ["message 7 0"]),
    ]

    @Test(arguments: cases)
    func `each request gets its status and the connection goes on`(_ example: Case) {
        let peer = RawPeer()
        let isMalformed = ["other te", "no authority"].contains(example.testDescription)
        var bytes = RawPeer.headers(1, ends: example.body == nil, example.changes)
        if let body = example.body { bytes += RawPeer.data(1, body) }
        peer.send(bytes)
        let fields = peer.fields()
        if isMalformed {
            // nghttp2 itself refuses such a request before the session sees it.
            #expect(peer.resets == [1])
        } else {
            #expect(fields.contains(example.expected), "\(fields)")
        }
        #expect(peer.events == example.events)
        #expect(peer.goaway == nil)
        peer.events = []
        peer.send(RawPeer.headers(3) + RawPeer.data(3, RawPeer.message([4])))
        #expect(peer.fields().contains("grpc-status: 0"))
        #expect(peer.events == ["message 7 1"])
    }

    @Test(arguments: [4 << 20, (4 << 20) + 1])
    func `a message at the limit passes and one byte more is refused at its prefix`(_ count: Int) {
        let peer = RawPeer()
        let message = RawPeer.message([UInt8](repeating: 7, count: count))
        peer.answers = false
        peer.send(RawPeer.headers(1))
        var sent = 0
        while sent < message.count {
            let end = min(sent + 16_384, message.count)
            peer.send(RawPeer.data(1, ends: end == message.count, Array(message[sent..<end])))
            sent = end
            if !peer.fields().isEmpty { break }
        }
        if count == 4 << 20 {
            #expect(peer.events == ["message 7 \(count)"])
        } else {
            #expect(peer.events == [])
            #expect(sent == 16_384)
        }
        #expect(peer.goaway == nil)
    }

    @Test func `a deadline that passes while the handler works is answered for it`() {
        let peer = RawPeer()
        peer.answers = false
        peer.send(
            RawPeer.headers(1, [("grpc-timeout", "20m")]) + RawPeer.data(1, RawPeer.message([1])))
        #expect(peer.events == ["message 7 1"])
        #expect(peer.server.nextDeadline == peer.now.advanced(byNanoseconds: 20_000_000))
        peer.tick(afterNanoseconds: 19_999_999)
        #expect(peer.fields() == [])
        peer.tick(afterNanoseconds: 1)
        #expect(peer.fields().contains("grpc-status: 4"))
        #expect(peer.events.last == "cancelled 7")
    }

    @Test func `a request that never ends gets the server's deadline`() {
        let peer = RawPeer()
        peer.send(RawPeer.headers(1))
        peer.tick(afterNanoseconds: Limits().callTimeoutNanosecondsMax)
        #expect(peer.fields().contains("grpc-status: 4"))
        #expect(peer.resets == [0])
        #expect(peer.server.callCount == 0)
    }

    @Test func `a refused upload gives its window back and leaves the connection usable`() {
        var limits = Limits()
        limits.messageBytesMax = 1_000
        let peer = RawPeer(limits: limits)
        peer.send(RawPeer.headers(1))
        let chunk = [UInt8](repeating: 0, count: 16_384)
        peer.send(RawPeer.data(1, ends: false, [0, 0, 0, 4, 0] + chunk.dropLast(5)))
        #expect(peer.fields().contains("grpc-status: 8"))
        for _ in 0..<200 { peer.send(RawPeer.data(1, ends: false, chunk)) }
        #expect(peer.goaway == nil)
        let given = peer.frames.filter { $0.type == 8 && $0.stream == 0 }.reduce(0) {
            $0 + $1.payload.reduce(0) { $0 << 8 | Int($1) }
        }
        #expect(given > 2 << 20)
        peer.send(RawPeer.headers(3) + RawPeer.data(3, RawPeer.message([4])))
        #expect(peer.events == ["message 7 1"])
    }

    @Test func `request bytes of all calls together are bounded`() {
        var limits = Limits()
        limits.receivedBytesMax = 100
        let peer = RawPeer(limits: limits)
        peer.send(RawPeer.headers(1) + RawPeer.data(1, ends: false, [0, 0, 0, 0, 200]))
        peer.send(RawPeer.headers(3) + RawPeer.data(3, ends: false, [0, 0, 0, 0, 200]))
        peer.send(RawPeer.data(1, ends: false, [UInt8](repeating: 1, count: 90)))
        #expect(peer.fields() == [])
        peer.send(RawPeer.data(3, ends: false, [1]))
        let fields = peer.fields()
        #expect(fields.contains("grpc-status: 8"))
        #expect(fields.contains("grpc-retry-pushback-ms: 100"))
        #expect(peer.server.receivedBytesHeld == 95)
        peer.send(RawPeer.frame(3, 0, 1, [0, 0, 0, 8]))
        #expect(peer.server.receivedBytesHeld == 0)
    }

    @Test func `request bytes of all connections of a loop are bounded`() {
        let memory = SessionMemory(receivedBytesMax: 100)
        let first = RawPeer(memory: memory)
        do {
            let second = RawPeer(memory: memory)
            first.send(RawPeer.headers(1) + RawPeer.data(1, ends: false, [0, 0, 0, 0, 200]))
            second.send(RawPeer.headers(1) + RawPeer.data(1, ends: false, [0, 0, 0, 0, 200]))
            first.send(RawPeer.data(1, ends: false, [UInt8](repeating: 1, count: 90)))
            #expect(memory.receivedBytesHeld == 100)
            #expect(second.fields() == [])
            second.send(RawPeer.data(1, ends: false, [1]))
            let fields = second.fields()
            #expect(fields.contains("grpc-status: 8"))
            #expect(fields.contains("grpc-retry-pushback-ms: 100"))
            #expect(first.fields() == [])
        }
        // A connection that went holds nothing.
        #expect(memory.receivedBytesHeld == 95)
        first.send(RawPeer.frame(3, 0, 1, [0, 0, 0, 8]))
        #expect(memory.receivedBytesHeld == 0)
    }

    @Test(arguments: [false, true])
    func `a client that may try again is told when`(hasReplied: Bool) throws {
        let peer = RawPeer()
        peer.answers = false
        peer.send(
            RawPeer.headers(1, [(":path", "/t.T/Both")])
                + RawPeer.data(1, RawPeer.message([1])))
        let call = try #require(peer.server.slots.compactMap(\.self).first)
        if hasReplied { peer.server.reply(call, message: [UInt8]().span) }
        peer.server.finish(
            call, status: .resourceExhausted, message: [UInt8]("full".utf8).span,
            retryPushbackMilliseconds: 1_050)
        peer.collect()
        let fields = peer.fields()
        #expect(fields.contains("grpc-status: 8"))
        #expect(fields.contains("grpc-message: full"))
        #expect(fields.contains("grpc-retry-pushback-ms: 1050"))
    }

    @Test func `a streaming call has the deadline that it asks for and no other`() {
        let peer = RawPeer()
        peer.send(RawPeer.headers(1, [(":path", "/t.T/Both")]))
        peer.send(RawPeer.headers(3, [(":path", "/t.T/Both"), ("grpc-timeout", "60S")]))
        peer.tick(afterNanoseconds: 59_999_999_999)
        #expect(peer.fields() == [])
        peer.tick(afterNanoseconds: 1)
        #expect(peer.fields().contains("grpc-status: 4"))
        #expect(peer.server.callCount == 1)
    }

    @Test func `headers at the limit pass and more reset the stream only`() {
        let room =
            Limits().headerBytesMax
            - RawPeer.ordinaryFields.reduce(0) {
                $0 + $1.0.utf8.count + $1.1.utf8.count + 32
            }
        for (extra, isServed) in [(0, true), (1, false)] {
            let peer = RawPeer()
            let value = String(repeating: "v", count: room - 33 + extra)
            // In two frames: one may hold 16,384 bytes.
            let block = Array(RawPeer.headers(1, [("x", value)]).dropFirst(9))
            peer.send(
                RawPeer.frame(1, 0, 1, Array(block[..<100]))
                    + RawPeer.frame(9, 4, 1, Array(block[100...]))
                    + RawPeer.data(1, RawPeer.message([1])))
            #expect(peer.events == (isServed ? ["message 7 1"] : []))
            #expect(peer.goaway == nil)
            peer.events = []
            peer.send(RawPeer.headers(3) + RawPeer.data(3, RawPeer.message([4])))
            #expect(peer.events == ["message 7 1"])
        }
    }

    @Test(arguments: [(100, true), (101, false)])
    func `a hundred fields pass and one more resets the stream`(_ count: Int, _ isServed: Bool) {
        let peer = RawPeer()
        let ordinary = RawPeer.ordinaryFields.count
        let extra = (0..<(count - ordinary)).map { ("x\($0)", Optional("v")) }
        peer.send(RawPeer.headers(1, extra) + RawPeer.data(1, RawPeer.message([1])))
        #expect(peer.events == (isServed ? ["message 7 1"] : []))
        #expect(peer.resets.count == (isServed ? 0 : 1))
    }

    @Test func `a handler that forgets its reply does not report success`() {
        let peer = RawPeer()
        peer.answers = false
        peer.send(RawPeer.headers(1))
        _ = peer.server.receive(RawPeer.data(1, RawPeer.message([1])).span, now: peer.now)
        guard case .message(let call) = peer.server.nextEvent() else {
            Issue.record("no message")
            return
        }
        peer.server.finish(call, status: .ok)
        peer.collect()
        #expect(peer.fields().contains("grpc-status: 13"))
    }
}
