// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Store

struct TransactionTests {
    let directory = TemporaryDirectory()

    @Test func `what is put is read, replaced and deleted`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let key = Array("session/s-81".utf8)
        try writer.run { transaction, _ in
            try transaction.put([1, 2, 3].span, forKey: key.span, in: rows)
            #expect(try transaction.value(forKey: key.span, in: rows)?.count == 3)
        }
        #expect(try environment.copy("session/s-81", in: rows) == [1, 2, 3])
        #expect(try environment.copy("session/s-8", in: rows) == nil)
        try writer.run { transaction, _ in
            try transaction.put([4].span, forKey: key.span, in: rows)
        }
        #expect(try environment.copy("session/s-81", in: rows) == [4])
        let deletions = try writer.run { transaction, _ in
            [
                try transaction.delete(key.span, in: rows),
                try transaction.delete(key.span, in: rows),
            ]
        }
        #expect(deletions == [true, false])
        #expect(try environment.copy("session/s-81", in: rows) == nil)
    }

    @Test func `a value may be empty`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        try writer.run { transaction, _ in
            try transaction.put(Span(), forKey: [7].span, in: rows)
        }
        #expect(try environment.copy("\u{7}", in: rows) == [])
    }

    @Test func `a snapshot does not see what is committed after it until it is renewed`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        var transaction = try environment.makeReadTransaction()
        let before = transaction.snapshotID
        try writer.run { transaction, _ in
            try transaction.put([1].span, forKey: [65].span, in: rows)
        }
        #expect(try transaction.copy("A", in: rows) == nil)
        transaction.reset()
        try transaction.renew()
        #expect(try transaction.copy("A", in: rows) == [1])
        #expect(transaction.snapshotID == before + 1)
        try transaction.renew()
        #expect(try transaction.copy("A", in: rows) == [1])
    }

    @Test func `a reset transaction throws instead of reading`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        var transaction = try environment.makeReadTransaction()
        transaction.reset()
        transaction.reset()
        let read = storeError { () throws(StoreError) in
            _ = try transaction.copy("A", in: rows)
        }
        #expect(read == .noSnapshot)
        let scan = storeError { () throws(StoreError) in
            _ = try transaction.keys(rows, prefix: "A")
        }
        #expect(scan == .noSnapshot)
    }

    @Test func `a transaction reads its own writes and nothing of it stays when it throws`() throws
    {
        struct Refusal: Error {}
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        #expect(throws: Refusal.self) {
            try writer.run { transaction, _ in
                try transaction.put([1].span, forKey: [65].span, in: rows)
                #expect(try transaction.value(forKey: [65].span, in: rows) != nil)
                throw Refusal()
            }
        }
        #expect(try environment.copy("A", in: rows) == nil)
        #expect(environment.writeRefusal == nil)
    }

    @Test func `a scan gives the keys with the prefix, in the order of bytes`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let names = ["a", "a/1", "a/10", "a/2", "a0", "b/1", "\u{7F}"]
        try writer.run { transaction, _ in
            for name in names.reversed() {
                try transaction.put([1].span, forKey: Array(name.utf8).span, in: rows)
            }
        }
        try environment.read { (transaction) throws(StoreError) in
            #expect(try transaction.keys(rows, prefix: "a/") == ["a/1", "a/10", "a/2"])
            #expect(try transaction.keys(rows, prefix: "") == names)
            #expect(try transaction.keys(rows, prefix: "a/", from: "a/10") == ["a/10", "a/2"])
            #expect(try transaction.keys(rows, prefix: "a/", from: "a/11") == ["a/2"])
            #expect(try transaction.keys(rows, prefix: "c") == [])
            #expect(try transaction.keys(rows, prefix: "\u{7F}") == ["\u{7F}"])
        }
    }

    @Test func `a scan backwards gives the keys below its bound, the greatest first`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let empty = try environment.keysBelow([], in: rows)
        #expect(empty == [])
        let writer = try Writer(environment: environment)
        try writer.run { transaction, _ in
            for key in [2, 4, 6] as [UInt8] {
                try transaction.put([key].span, forKey: [key].span, in: rows)
            }
        }
        let expected: [([UInt8], [UInt8])] = [
            ([], [6, 4, 2]), ([9], [6, 4, 2]), ([6], [4, 2]), ([5], [4, 2]), ([4, 0], [4, 2]),
            ([3], [2]), ([2], []), ([1], []),
        ]
        for (bound, keys) in expected {
            let found = try environment.keysBelow(bound, in: rows)
            #expect(found == keys, "below \(bound)")
        }
        let two = try environment.keysBelow([9], in: rows, countMax: 2)
        #expect(two == [6, 4])
        let tooLong = [UInt8](repeating: 1, count: 512)
        #expect(
            storeError { () throws(StoreError) in
                _ = try environment.keysBelow(tooLong, in: rows)
            } == .keyLength(512))
    }

    @Test func `a scan stops when told to, and its cursor works again after a renew`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        try writer.run { transaction, _ in
            for key in UInt8(1)...9 {
                try transaction.put([key].span, forKey: [key].span, in: rows)
            }
        }
        var transaction = try environment.makeReadTransaction()
        var seen: [UInt8] = []
        try transaction.scan(rows, prefix: Span()) { key, value in
            seen.append(value[0])
            return key[0] < 4
        }
        #expect(seen == [1, 2, 3, 4])
        try writer.run { transaction, _ in
            _ = try transaction.delete([2].span, in: rows)
        }
        try transaction.renew()
        seen = []
        try transaction.scan(rows, prefix: Span()) { key, value in
            seen.append(value[0])
            return key[0] < 4
        }
        #expect(seen == [1, 3, 4])
    }

    @Test func `a scan inside a scan of the same table does not disturb it`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        try writer.run { transaction, _ in
            for key in UInt8(65)...67 {
                try transaction.put([key].span, forKey: [key].span, in: rows)
            }
        }
        try environment.read { (transaction) throws(StoreError) in
            var outer = 0
            var inner = 0
            try transaction.scan(rows, prefix: Span()) { _, _ in
                outer += 1
                inner += (try? transaction.keys(rows, prefix: "").count) ?? 0
                return true
            }
            #expect(outer == 3)
            #expect(inner == 9)
        }
    }

    @Test(arguments: [0, 512]) func `a key of 0 or 512 bytes is refused`(length: Int) throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let key = [UInt8](repeating: 1, count: length)
        #expect(throws: StoreError.keyLength(length)) {
            try writer.run { transaction, _ in
                try transaction.put([1].span, forKey: key.span, in: rows)
            }
        }
        #expect(throws: StoreError.keyLength(length)) {
            try writer.run { transaction, _ in _ = try transaction.delete(key.span, in: rows) }
        }
        try environment.read { (transaction) throws(StoreError) in
            let error = storeError { () throws(StoreError) in
                _ = try transaction.value(forKey: key.span, in: rows)
            }
            #expect(error == .keyLength(length))
        }
    }

    @Test(arguments: [1, 511]) func `a key of 1 or 511 bytes is stored`(length: Int) throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let key = [UInt8](repeating: 65, count: length)
        try writer.run { transaction, _ in
            try transaction.put([1].span, forKey: key.span, in: rows)
        }
        #expect(try environment.copy(String(decoding: key, as: UTF8.self), in: rows) == [1])
    }

    @Test func `a value of the largest size is stored and one byte more is refused`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let largest = [UInt8](repeating: 1, count: Limits.valueBytesMax)
        try writer.run { transaction, _ in
            try transaction.put(largest.span, forKey: [65].span, in: rows)
        }
        #expect(try environment.copy("A", in: rows)?.count == Limits.valueBytesMax)
        let larger = largest + [1]
        #expect(throws: StoreError.valueTooLarge(larger.count)) {
            try writer.run { transaction, _ in
                try transaction.put(larger.span, forKey: [66].span, in: rows)
            }
        }
    }

    @Test func `an aligned table refuses other lengths and keeps every value 8-aligned`() throws {
        let environment = try directory.open()
        let aligned = environment.table("aligned")
        let writer = try Writer(environment: environment)
        #expect(throws: StoreError.unalignedLength(7)) {
            try writer.run { transaction, _ in
                try transaction.put(
                    [UInt8](repeating: 0, count: 8).span,
                    forKey: [UInt8](repeating: 0, count: 7).span, in: aligned)
            }
        }
        #expect(throws: StoreError.unalignedLength(9)) {
            try writer.run { transaction, _ in
                try transaction.put(
                    [UInt8](repeating: 0, count: 9).span,
                    forKey: [UInt8](repeating: 0, count: 8).span, in: aligned)
            }
        }
        try writer.run { transaction, _ in
            var state: UInt64 = 1
            for _ in 0..<4_000 {
                state = state &* 6_364_136_223_846_793_005 &+ 1
                let key = [UInt8](
                    repeating: UInt8(truncatingIfNeeded: state >> 32),
                    count: 8 + 8 * Int(state >> 60))
                let value = [UInt8](repeating: 1, count: 8 * Int(state >> 50 & 511))
                try transaction.put(value.span, forKey: key.span, in: aligned)
                if state >> 40 & 3 == 0 { try transaction.delete(key.span, in: aligned) }
            }
        }
        try environment.read { (transaction) throws(StoreError) in
            var count = 0
            try transaction.scan(aligned, prefix: Span()) { _, value in
                count += 1
                return unsafe value.withUnsafeBufferPointer {
                    UInt(bitPattern: $0.baseAddress) & 7 == 0
                }
            }
            let size = try transaction.size(of: aligned)
            #expect(count == Int(size.entries))
            #expect(count > 1_000)
        }
    }
}

extension Environment {
    /// The first bytes of the keys below a bound.
    fileprivate func keysBelow(
        _ bound: [UInt8], in table: Table, countMax: Int = .max
    ) throws(StoreError) -> [UInt8] {
        try read { (transaction) throws(StoreError) in
            var found: [UInt8] = []
            try transaction.scanBackwards(table, below: bound.span) { key, value in
                if key[0] == value[0] { found.append(key[0]) }
                return found.count < countMax
            }
            return found
        }
    }
}
