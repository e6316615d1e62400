// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import GRPC

/// A client and a server session joined by hand.
final class Pair {
    let server: ServerSession
    let client: ClientSession
    let unary: ClientSession.Path
    let both: ClientSession.Path
    let memory = SessionMemory()
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    /// Bytes handed over at a time.
    var chunkBytes = Int.max
    var serverEvents: [String] = []
    var clientEvents: [String] = []
    var onServerEvent: (ServerSession, CallEvent) -> Void = { session, event in
        if case .message(let call) = event { session.replyAndFinish(call, message: call.message) }
    }

    init(limits: Limits = Limits()) {
        server = ServerSession(
            methods: RawPeer.methods, limits: limits, memory: memory, now: now)
        client = ClientSession(authority: "test", memory: memory)
        unary = client.path("/t.T/Unary")
        both = client.path("/t.T/Both")
    }

    /// Exchanges bytes until neither side has more to say.
    func run() {
        var isBusy = true
        while isBusy {
            let up = produced { client.produce(into: &$0) }
            handleClient()
            for chunk in chunks(up) {
                _ = server.receive(chunk.span, now: now)
                handleServer()
            }
            handleServer()
            let down = produced { server.produce(into: &$0, now: now) }
            for chunk in chunks(down) {
                _ = client.receive(chunk.span)
                handleClient()
            }
            isBusy = !up.isEmpty || !down.isEmpty
        }
    }

    func chunks(_ bytes: [UInt8]) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: min(chunkBytes, max(1, bytes.count))).map {
            Array(bytes[$0..<min(bytes.count, $0 + min(chunkBytes, bytes.count))])
        }
    }

    func produced(_ body: (inout ByteBuffer) -> Void) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 1_024)
        body(&buffer)
        return text(buffer.bytes)
    }

    func text(_ bytes: Span<UInt8>) -> [UInt8] {
        bytes.indices.map { bytes[$0] }
    }

    func handleServer() {
        while let event = server.nextEvent() {
            switch event {
            case .message(let call):
                serverEvents.append(
                    "message " + String(decoding: text(call.message), as: UTF8.self))
            case .halfClosed: serverEvents.append("halfClosed")
            case .cancelled: serverEvents.append("cancelled")
            }
            onServerEvent(server, event)
        }
    }

    func handleClient() {
        while let event = client.nextEvent() {
            switch event {
            case .message(let call):
                clientEvents.append(
                    "\(call.tag) " + String(decoding: text(call.message), as: UTF8.self))
            case .finished(let call):
                let message = String(decoding: text(call.statusMessage), as: UTF8.self)
                clientEvents.append(
                    "\(call.tag) \(call.status)" + (message.isEmpty ? "" : " " + message))
            }
        }
    }
}

@Suite struct CallTests {
    @Test func `a unary call gives exactly one message and one answer`() {
        let pair = Pair()
        pair.client.unary(pair.unary, tag: 5, message: Array("hello".utf8).span, now: pair.now)
        pair.run()
        #expect(pair.serverEvents == ["message hello"])
        #expect(pair.clientEvents == ["5 hello", "5 ok"])
        #expect(pair.server.callCount == 0)
        #expect(pair.client.callCount == 0)
    }

    @Test(arguments: 1...40)
    func `bytes in pieces of any size give the same calls`(_ chunkBytes: Int) {
        let pair = Pair()
        pair.chunkBytes = chunkBytes
        for tag in 0..<3 {
            pair.client.unary(
                pair.unary, tag: tag, message: Array("m\(tag)".utf8).span,
                timeoutNanoseconds: 2_000_000_000, now: pair.now)
        }
        pair.run()
        #expect(pair.serverEvents == ["message m0", "message m1", "message m2"])
        #expect(pair.clientEvents.sorted() == ["0 m0", "0 ok", "1 m1", "1 ok", "2 m2", "2 ok"])
    }

    @Test func `a request that is sent behind another is whole after it`() {
        let pair = Pair()
        pair.chunkBytes = 10_000
        // Each longer than a stream's first window, the earlier the longer.
        let sizes = [900_000, 500_000, 300_000, 100_000, 5]
        var last: CallID?
        for (tag, size) in sizes.enumerated() {
            let message = [UInt8](repeating: UInt8(ascii: "a") + UInt8(tag), count: size)
            last = pair.client.unary(
                pair.unary, tag: tag, message: message.span, behind: last, now: pair.now)
        }
        pair.run()
        #expect(
            pair.serverEvents.map { String($0.prefix(9)) }
                == ["message a", "message b", "message c", "message d", "message e"])
        #expect(pair.clientEvents.filter { $0.hasSuffix(" ok") }.count == sizes.count)
    }

    @Test func `a request behind one that is cancelled is sent`() throws {
        let pair = Pair()
        let message = [UInt8](repeating: 1, count: 500_000)
        let opened = pair.client.unary(pair.unary, tag: 0, message: message.span, now: pair.now)
        let first = try #require(opened)
        for tag in [1, 2] {
            // The second of them finds the place behind the first one taken.
            pair.client.unary(
                pair.unary, tag: tag, message: [7].span, behind: first, now: pair.now)
        }
        pair.client.cancel(first)
        pair.run()
        #expect(pair.clientEvents.filter { $0.hasSuffix(" ok") }.sorted() == ["1 ok", "2 ok"])
    }

    @Test func `a request cut at any byte gives the same reply bytes`() {
        let request =
            RawPeer.preface + RawPeer.frame(4, 0, 0, []) + RawPeer.headers(1)
            + RawPeer.data(1, RawPeer.message([1, 2, 3]))
        func replies(cutAt cut: Int) -> [[UInt8]] {
            let peer = RawPeer(greets: false)
            peer.send(Array(request[..<cut]))
            peer.send(Array(request[cut...]))
            return peer.frames.filter { $0.stream == 1 }.map(\.payload)
        }
        let whole = replies(cutAt: request.count)
        #expect(whole.count == 3)
        for cut in 0..<request.count { #expect(replies(cutAt: cut) == whole) }
    }

    @Test(arguments: [0, 1, 65_535, 262_144, 1_000_000, 4 << 20])
    func `messages of any size pass both ways through the windows`(_ count: Int) {
        let pair = Pair()
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var received: [UInt8]?
        pair.onServerEvent = { session, event in
            guard case .message(let call) = event else { return }
            session.replyAndFinish(call, message: call.message)
        }
        pair.client.unary(pair.unary, tag: 1, message: message.span, now: pair.now)
        for _ in 0..<400 {
            let up = pair.produced { pair.client.produce(into: &$0) }
            _ = pair.server.receive(up.span, now: pair.now)
            while let event = pair.server.nextEvent() { pair.onServerEvent(pair.server, event) }
            let down = pair.produced { pair.server.produce(into: &$0, now: pair.now) }
            _ = pair.client.receive(down.span)
            while let event = pair.client.nextEvent() {
                if case .message(let call) = event { received = pair.text(call.message) }
            }
        }
        #expect(received == message)
        #expect(pair.client.callCount == 0)
    }

    @Test func `a status message is percent-encoded, cut, and decoded again`() {
        let pair = Pair()
        pair.onServerEvent = { session, event in
            guard case .message(let call) = event else { return }
            session.finish(call, status: .notFound, message: Array("bad %\né \u{1}".utf8).span)
        }
        pair.client.unary(pair.unary, tag: 1, message: Array<UInt8>([1]).span, now: pair.now)
        pair.run()
        #expect(pair.clientEvents == ["1 notFound bad %\né \u{1}"])
    }

    @Test func `an answer may come later by id, and a stale id finds nothing`() {
        let pair = Pair()
        var ids: [CallID] = []
        pair.onServerEvent = { _, event in
            if case .message(let call) = event { ids.append(call.id) }
        }
        pair.client.unary(pair.unary, tag: 1, message: Array<UInt8>([65]).span, now: pair.now)
        pair.run()
        #expect(pair.clientEvents == [])
        let call = pair.server.call(ids[0])
        #expect(call != nil)
        if let call { pair.server.replyAndFinish(call, message: Array<UInt8>([66]).span) }
        pair.run()
        #expect(pair.clientEvents == ["1 B", "1 ok"])
        #expect(pair.server.call(ids[0]) == nil)
        pair.client.unary(pair.unary, tag: 2, message: Array<UInt8>([65]).span, now: pair.now)
        pair.run()
        #expect(ids[1].slot == ids[0].slot)
        #expect(pair.server.call(ids[0]) == nil)
    }

    @Test func `a stream brings each message, then its end`() throws {
        let pair = Pair()
        pair.onServerEvent = { session, event in
            switch event {
            case .message(let call): session.reply(call, message: call.message)
            case .halfClosed(let call): session.finish(call, status: .ok)
            case .cancelled: break
            }
        }
        let call = try #require(pair.client.open(pair.both, tag: 3, now: pair.now))
        pair.run()
        for text in ["a", "b", "c"] {
            pair.client.send(call, message: Array(text.utf8).span)
            pair.run()
        }
        #expect(pair.clientEvents == ["3 a", "3 b", "3 c"])
        pair.client.send(call, message: Array("d".utf8).span)
        pair.client.halfClose(call)
        pair.run()
        #expect(pair.serverEvents.suffix(2) == ["message d", "halfClosed"])
        #expect(pair.clientEvents.suffix(2) == ["3 d", "3 ok"])
        #expect(pair.server.callCount == 0)
    }

    @Test func `many messages in one run of bytes come out one by one`() throws {
        let pair = Pair()
        pair.onServerEvent = { session, event in
            if case .halfClosed(let call) = event { session.finish(call, status: .ok) }
        }
        let call = try #require(pair.client.open(pair.both, tag: 3, now: pair.now))
        let empty: [UInt8] = []
        for _ in 0..<100_000 { pair.client.send(call, message: empty.span) }
        pair.client.halfClose(call)
        pair.run()
        #expect(pair.serverEvents.count == 100_001)
        #expect(pair.clientEvents == ["3 ok"])
    }

    @Test func `a paused stream fills its window and no more`() throws {
        let pair = Pair()
        var paused: CallID?
        var count = 0
        pair.onServerEvent = { session, event in
            guard case .message(let call) = event else { return }
            count += 1
            if paused == nil {
                paused = call.id
                session.pause(call)
            }
        }
        let call = try #require(pair.client.open(pair.both, tag: 3, now: pair.now))
        let message = [UInt8](repeating: 9, count: 10_000)
        for _ in 0..<100 { pair.client.send(call, message: message.span) }
        pair.run()
        #expect(count == 1)
        #expect(pair.server.receivedBytesHeld <= Limits().streamWindowBytes)
        let id = try #require(paused)
        let held = try #require(pair.server.call(id))
        pair.server.resume(held)
        pair.handleServer()
        pair.run()
        #expect(count == 100)
    }

    @Test func `an answer that comes long after the last bytes has its whole time to leave`() throws
    {
        let pair = Pair()
        var id: CallID?
        pair.onServerEvent = { _, event in
            if case .message(let call) = event { id = call.id }
        }
        let sent = try #require(pair.client.open(pair.both, tag: 3, now: pair.now))
        pair.client.send(sent, message: Array<UInt8>([1]).span)
        pair.run()
        pair.now = pair.now.advanced(byNanoseconds: 60_000_000_000)
        pair.server.advance(to: pair.now)
        let found = try #require(id)
        let call = try #require(pair.server.call(found))
        pair.server.finish(call, status: .ok)
        #expect(pair.server.nextDeadline > pair.now)
        pair.server.tick(now: pair.now)
        pair.run()
        #expect(pair.clientEvents == ["3 ok"])
    }

    @Test func `bytes that leave late give the rest its whole time`() throws {
        let peer = RawPeer()
        // More than the peer's window of 65,535 bytes: the rest waits.
        peer.answers = false
        peer.send(
            RawPeer.headers(1) + RawPeer.data(1, RawPeer.message([UInt8](repeating: 1, count: 9))))
        let call = try #require(peer.server.slots.compactMap(\.self).first)
        peer.server.reply(call, message: [UInt8](repeating: 2, count: 100_000).span)
        peer.server.finish(call, status: .ok)
        let stall = Limits().replyStallNanosecondsMax
        peer.now = peer.now.advanced(byNanoseconds: stall - 1)
        peer.collect()
        peer.tick(afterNanoseconds: stall - 1)
        #expect(peer.resets.isEmpty)
        peer.tick(afterNanoseconds: 1)
        #expect(peer.resets == [8])  // CANCEL
    }

    @Test func `as many calls are kept for the next ones as the limit says, and no more`() {
        let memory = SessionMemory()
        for _ in 0...SessionMemory.pooledCallsMax { memory.keep(Call()) }
        #expect(memory.freeCallCount == SessionMemory.pooledCallsMax)
        _ = memory.takeCall()
        #expect(memory.freeCallCount == SessionMemory.pooledCallsMax - 1)
    }

    @Test func `calls with large buffers are kept up to their bytes`() {
        let memory = SessionMemory()
        func large() -> Call {
            let call = Call()
            call.reply = ByteBuffer(capacity: Call.pooledBytesMax)
            return call
        }
        let bytes = large().bufferBytes
        let countMax = SessionMemory.pooledCallBytesMax / bytes
        for _ in 0...countMax { memory.keep(large()) }
        #expect(memory.freeCallCount == countMax)
    }

    @Test func `a cancelled stream is told to its handler`() throws {
        let pair = Pair()
        pair.onServerEvent = { _, _ in }
        let call = try #require(pair.client.open(pair.both, tag: 3, now: pair.now))
        pair.client.send(call, message: Array<UInt8>([1]).span)
        pair.run()
        pair.client.cancel(call)
        pair.run()
        #expect(pair.serverEvents.last == "cancelled")
        #expect(pair.clientEvents == ["3 cancelled"])
        #expect(pair.server.callCount == 0)
    }

    @Test func `a drain finishes open calls and then closes`() {
        let pair = Pair()
        var ids: [CallID] = []
        pair.onServerEvent = { _, event in
            if case .message(let call) = event { ids.append(call.id) }
        }
        pair.client.unary(pair.unary, tag: 1, message: Array<UInt8>([65]).span, now: pair.now)
        pair.run()
        pair.server.drain(now: pair.now)
        pair.run()
        #expect(!pair.server.wantsClose)
        if let call = pair.server.call(ids[0]) {
            pair.server.replyAndFinish(call, message: Array<UInt8>([66]).span)
        }
        pair.run()
        #expect(pair.clientEvents == ["1 B", "1 ok"])
        #expect(pair.server.wantsClose)
    }

    @Test func `a drain goes on when the peer does not answer its ping`() {
        let peer = RawPeer()
        peer.server.drain(now: peer.now)
        peer.collect()
        #expect(peer.frames.filter { $0.type == 7 }.count == 1)
        peer.tick(afterNanoseconds: 1_000_000_000)
        #expect(peer.frames.filter { $0.type == 7 }.count == 2)
        #expect(peer.server.wantsClose)
    }

    @Test func `requests after warm-up reach malloc through nghttp2 no more`() {
        let pair = Pair()
        func burst() {
            for tag in 0..<100 {
                pair.client.unary(
                    pair.unary, tag: tag, message: Array<UInt8>([1, 2]).span, now: pair.now)
            }
            pair.run()
        }
        for _ in 0..<3 { burst() }
        let system = pair.memory.systemAllocations
        let pooled = pair.memory.pooledAllocations
        burst()
        #expect(pair.memory.systemAllocations == system)
        #expect(pair.memory.pooledAllocations > pooled + 100)
    }
}
