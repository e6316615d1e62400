// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import GRPC

/// What a hostile client may try with frames; calm = 11 is ENHANCE_YOUR_CALM.
@Suite struct AttackTests {
    private let calm: UInt32 = 11

    /// Sends `bytes` until the server says goodbye; returns how often that took.
    private func repeats(
        _ peer: RawPeer, upTo limit: Int, _ bytes: (Int) -> [UInt8]
    ) -> Int {
        for count in 1...limit {
            peer.send(bytes(count))
            if peer.goaway != nil { return count }
        }
        return limit + 1
    }

    @Test func `three idle pings are served and the fourth is one too many`() {
        let peer = RawPeer()
        let ping = RawPeer.frame(6, 0, 0, [UInt8](repeating: 0, count: 8))
        #expect(repeats(peer, upTo: 10) { _ in ping } == 4)
        #expect(peer.goaway == calm)
        let reason = peer.frames.last { $0.type == 7 }!.payload.dropFirst(8)
        #expect(String(decoding: reason, as: UTF8.self) == "too_many_pings")
        #expect(peer.server.wantsClose)
    }

    @Test func `pings that come with requests are no strikes`() {
        let peer = RawPeer()
        let ping = RawPeer.frame(6, 0, 0, [UInt8](repeating: 0, count: 8))
        let count = repeats(peer, upTo: 1_000) { count in
            let stream = UInt32(count * 2 - 1)
            return RawPeer.headers(stream) + RawPeer.data(stream, RawPeer.message([1])) + ping
        }
        #expect(count == 1_001)
    }

    @Test func `a flood of SETTINGS ends the connection`() {
        let peer = RawPeer()
        // The greeting was the first.
        let count = repeats(peer, upTo: 100) { _ in RawPeer.frame(4, 0, 0, []) }
        #expect(count == Limits().settingsPerMinuteMax)
        #expect(peer.goaway == calm)
    }

    @Test func `SETTINGS with too many entries end the connection`() {
        let peer = RawPeer()
        let entry: [UInt8] = [0, 4, 0, 1, 0, 0]
        peer.send(RawPeer.frame(4, 0, 0, [UInt8](repeatingArray: entry, count: 33)))
        #expect(peer.goaway == calm)
    }

    @Test func `a peer that never acknowledges SETTINGS is given up after five seconds`() {
        let peer = RawPeer(greets: false)
        peer.send(RawPeer.preface + RawPeer.frame(4, 0, 0, []))
        peer.tick(afterNanoseconds: 4_999_999_999)
        #expect(peer.goaway == nil)
        peer.tick(afterNanoseconds: 1)
        #expect(peer.goaway == 4)
        #expect(peer.server.wantsClose)
    }

    @Test func `half a preface is given up after five seconds`() {
        let peer = RawPeer(greets: false)
        peer.send(Array(RawPeer.preface[..<5]))
        peer.tick(afterNanoseconds: 5_000_000_000)
        #expect(peer.server.wantsClose)
    }

    @Test func `HTTP 1 and other bytes close the connection at once`() {
        for text in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}"] {
            let peer = RawPeer(greets: false)
            #expect(peer.send(Array(text.utf8)) == .close)
            #expect(peer.server.wantsClose)
        }
    }

    @Test func `a flood of PRIORITY frames ends the connection`() {
        let peer = RawPeer()
        let count = repeats(peer, upTo: 1_000) { _ in RawPeer.frame(2, 0, 1, [0, 0, 0, 0, 1]) }
        #expect(count == 200)
        #expect(peer.goaway == calm)
    }

    @Test func `a flood of WINDOW_UPDATE frames ends the connection`() {
        let peer = RawPeer()
        let count = repeats(peer, upTo: 1_000) { _ in RawPeer.frame(8, 0, 0, [0, 0, 0, 1]) }
        #expect(count == 12)
        #expect(peer.goaway == calm)
    }

    @Test func `ten empty DATA frames pass and the eleventh ends the connection`() {
        let peer = RawPeer()
        peer.send(RawPeer.headers(1))
        #expect(repeats(peer, upTo: 100) { _ in RawPeer.data(1, ends: false, []) } == 11)
        #expect(peer.goaway == calm)
    }

    @Test func `five CONTINUATION frames end the connection`() {
        let peer = RawPeer()
        var bytes = RawPeer.frame(1, 0, 1, RawPeer.field(":method", "POST"))
        for index in 0..<5 {
            bytes += RawPeer.frame(9, 0, 1, RawPeer.field("x\(index)", "v"))
        }
        #expect(peer.send(bytes) == .close)
        #expect(peer.server.wantsClose)
        #expect(peer.events == [])
    }

    @Test func `rapid resets end the connection within their budget`() {
        let peer = RawPeer()
        peer.answers = false
        let count = repeats(peer, upTo: 10_000) { count in
            let stream = UInt32(count * 2 - 1)
            return RawPeer.headers(stream) + RawPeer.frame(3, 0, stream, [0, 0, 0, 8])
        }
        #expect(count == Limits().resetsJudgedMin + 1)
        #expect(peer.goaway == calm)
        #expect(peer.server.callCount == 0)
    }

    @Test func `resets of calls whose deadline passes are no attack`() {
        let peer = RawPeer()
        peer.answers = false
        let count = repeats(peer, upTo: 2_000) { count in
            let stream = UInt32(count * 2 - 1)
            peer.send(
                RawPeer.headers(stream, [("grpc-timeout", "1m")])
                    + RawPeer.data(stream, RawPeer.message([1])))
            peer.now = peer.now.advanced(byNanoseconds: 999_000)
            return RawPeer.frame(3, 0, stream, [0, 0, 0, 8])
        }
        #expect(count == 2_001)
        #expect(peer.server.callCount == 0)
    }

    @Test func `resets that the peer provokes are counted`() {
        let peer = RawPeer()
        let count = repeats(peer, upTo: 1_000) { count in
            let stream = UInt32(count * 2 - 1)
            let overflow = RawPeer.frame(8, 0, stream, [0x7F, 255, 255, 255])
            return RawPeer.headers(stream) + overflow
        }
        #expect(count <= Limits().resetsProvokedMax + 2)
        #expect(peer.goaway == calm)
        #expect(peer.server.callCount == 0)
    }

    @Test func `bodies that contradict their content length are counted as well`() {
        let peer = RawPeer()
        let count = repeats(peer, upTo: 1_000) { count in
            let stream = UInt32(count * 2 - 1)
            return RawPeer.headers(stream, [("content-length", "1")])
                + RawPeer.data(stream, RawPeer.message([1]))
        }
        #expect(count <= Limits().resetsProvokedMax + 2)
        #expect(peer.goaway == calm)
    }

    @Test func `a header bomb is stopped early and the third ends the connection`() {
        let peer = RawPeer()
        // One entry of 4,000 bytes in the dynamic table, then thousands of references to it.
        let entry: [UInt8] =
            [0x40, 1, UInt8(ascii: "b"), 127, 0xA1, 0x1E]
            + [UInt8](repeating: 120, count: 4_000)
        let bomb = entry + [UInt8](repeating: 0xBE, count: 12_000)
        let count = repeats(peer, upTo: 10) { count in
            RawPeer.frame(1, 5, UInt32(count * 2 - 1), Array(bomb))
        }
        #expect(count == Limits().headerViolationsMax)
        #expect(peer.events == [])
    }

    @Test func `streams above the limit are refused and the rest is served`() {
        let peer = RawPeer()
        peer.answers = false
        var bytes: [UInt8] = []
        for index in 0..<128 { bytes += RawPeer.headers(UInt32(index * 2 + 1)) }
        peer.send(bytes)
        #expect(peer.server.callCount == 128)
        #expect(peer.goaway == nil)
        peer.send(RawPeer.headers(257))
        #expect(peer.server.callCount == 128)
        #expect(peer.goaway == 1 || peer.resets == [7])
    }

    @Test func `a slot stays taken until its handler has heard of the reset`() {
        let peer = RawPeer()
        peer.answers = false
        peer.send(RawPeer.headers(1) + RawPeer.data(1, RawPeer.message([1])))
        #expect(peer.server.callCount == 1)
        _ = peer.server.receive(RawPeer.frame(3, 0, 1, [0, 0, 0, 8]).span, now: peer.now)
        #expect(peer.server.callCount == 1)
        peer.handle()
        #expect(peer.events.last == "cancelled 7")
        #expect(peer.server.callCount == 0)
    }

    @Test func `a reply that the peer does not take is given up after ten seconds`() {
        let peer = RawPeer()
        peer.send(RawPeer.frame(4, 0, 0, [0, 4, 0, 0, 0, 0]))
        peer.send(RawPeer.headers(1) + RawPeer.data(1, RawPeer.message([1, 2])))
        #expect(peer.server.pendingReplyBytes == 7)
        peer.tick(afterNanoseconds: 9_999_999_999)
        #expect(peer.server.callCount == 1)
        peer.tick(afterNanoseconds: 1)
        #expect(peer.server.callCount == 0)
        #expect(peer.server.pendingReplyBytes == 0)
    }

    @Test func `waiting replies hold back further calls until the peer takes them`() {
        var limits = Limits()
        limits.pendingReplyBytesMax = 100
        let peer = RawPeer(limits: limits)
        peer.send(RawPeer.frame(4, 0, 0, [0, 4, 0, 0, 0, 0]))
        let message = RawPeer.message([UInt8](repeating: 1, count: 60))
        for stream in [1, 3, 5] as [UInt32] {
            peer.send(RawPeer.headers(stream) + RawPeer.data(stream, message))
        }
        #expect(peer.events.count == 2)
        #expect(peer.server.pendingReplyBytes == 130)
        #expect(!peer.server.hasEvents)
        peer.send(RawPeer.frame(8, 0, 1, [0, 0, 1, 0]))
        #expect(peer.server.hasEvents)
        peer.handle()
        #expect(peer.events.count == 3)
    }

    @Test func `headers that stop half-way end the connection after five seconds`() {
        let peer = RawPeer()
        peer.send(RawPeer.frame(1, 0, 1, RawPeer.field(":method", "POST")))
        #expect(peer.server.nextDeadline == peer.now.advanced(byNanoseconds: 5_000_000_000))
        peer.tick(afterNanoseconds: 5_000_000_000)
        #expect(peer.goaway == calm)
        #expect(peer.server.wantsClose)
    }

    @Test func `an idle connection is drained after ten minutes and an old one after an hour`() {
        let idle = RawPeer()
        idle.tick(afterNanoseconds: 599_999_999_999)
        #expect(idle.goaway == nil)
        idle.tick(afterNanoseconds: 1)
        #expect(idle.goaway == 0)
        let old = RawPeer()
        for _ in 0..<50 {
            old.tick(afterNanoseconds: 60_000_000_000)
            let stream = UInt32(old.events.count * 2 + 1)
            old.send(RawPeer.headers(stream) + RawPeer.data(stream, RawPeer.message([1])))
        }
        #expect(old.goaway == nil)
        for _ in 0..<17 { old.tick(afterNanoseconds: 60_000_000_000) }
        #expect(old.goaway == 0)
    }

    @Test func `random bytes after the greeting never trap`() {
        var generator = SeededGenerator(seed: 20_261_120)
        for _ in 0..<500 {
            let peer = RawPeer()
            for _ in 0..<8 {
                let count = Int.random(in: 0...64, using: &generator)
                let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                peer.send(
                    RawPeer.frame(
                        UInt8.random(in: 0...11, using: &generator),
                        UInt8.random(in: 0...255, using: &generator),
                        UInt32.random(in: 0...9, using: &generator), payload))
            }
        }
    }
}

extension [UInt8] {
    init(repeatingArray array: [UInt8], count: Int) {
        self = []
        for _ in 0..<count { self += array }
    }
}
