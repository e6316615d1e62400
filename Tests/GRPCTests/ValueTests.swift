// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import GRPC

@Suite struct ValueTests {
    @Test(
        arguments: [
            ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000),
            ("4m", 4_000_000), ("5u", 5_000), ("6n", 6), ("00000001n", 1), ("0S", 0),
            ("99999999H", UInt64.max), ("99999999M", 5_999_999_940_000_000_000),
        ] as [(String, UInt64)])
    func `timeouts are read in every unit and saturate`(_ text: String, _ expected: UInt64) {
        #expect(timeoutNanoseconds(Array(text.utf8).span) == expected)
    }

    @Test(arguments: ["", "1", "m", "-1m", "+1m", "1.5S", "1x", "123456789n", "1 m", "١m"])
    func `malformed timeouts are refused`(_ text: String) {
        #expect(timeoutNanoseconds(Array(text.utf8).span) == nil)
    }

    @Test func `status messages are escaped and cut before an escape that does not fit`() {
        func encoded(_ text: String, _ limit: Int) -> String {
            var buffer = ByteBuffer(capacity: 16)
            appendPercentEncoded(Array(text.utf8).span, to: &buffer, byteCountMax: limit)
            let bytes = buffer.bytes
            return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
        #expect(encoded("bad %\né \u{1}", 1_024) == "bad %25%0A%C3%A9 %01")
        #expect(encoded("ab%", 5) == "ab%25")
        #expect(encoded("ab%", 4) == "ab")
        #expect(encoded(String(repeating: "x", count: 2_000), 1_024).utf8.count == 1_024)
    }

    @Test func `every registered path is found and no other`() {
        let methods = (0..<200).map {
            MethodTable.Method(path: "/kassa.v1.Service\($0 % 7)/Do\($0)", kind: .unary, tag: $0)
        }
        let table = MethodTable(methods)
        for (index, method) in methods.enumerated() {
            #expect(table.index(of: Array(method.path.utf8).span) == index)
        }
        for path in ["", "/", "/kassa.v1.Service0/Do", "/kassa.v1.Service1/Do0", "*"] {
            #expect(table.index(of: Array(path.utf8).span) == nil)
        }
    }

    @Test func `a rate limit counts per window`() {
        var limit = RateLimit(countMax: 2, windowNanoseconds: 100)
        let start = MonotonicTime(nanoseconds: 1_000)
        let verdicts = [0, 99, 99, 100].map { (offset: UInt64) in
            limit.allowsOneMore(now: start.advanced(byNanoseconds: offset))
        }
        #expect(verdicts == [true, true, false, true])
    }

    @Test func `pings ten seconds apart are no strikes`() {
        var strikes = PingStrikes()
        for count in 0..<100 {
            let nanoseconds = UInt64(count) * PingStrikes.intervalNanosecondsMin
            let isAllowed = strikes.allowsPing(now: MonotonicTime(nanoseconds: nanoseconds))
            #expect(isAllowed)
        }
    }
}
