// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Store

struct BulkTests {
    let directory = TemporaryDirectory()
    let spares = SpareTables(prefix: "generation-", count: 32, isEightAligned: true)

    private func pages(_ environment: Environment, _ name: String) throws -> UInt64 {
        try environment.statistics().tables.first { $0.name == name }!.pages
    }

    @Test func `appended keys fill their pages, and a key out of order is put all the same`() throws
    {
        let environment = try directory.open(tables: spares.definitions)
        let tables = spares.tables(of: environment)
        let writer = try Writer(environment: environment)
        let value = [UInt8](repeating: 1, count: 504)
        try writer.run { transaction, _ in
            for number in 0..<1_000 {
                try transaction.append(value.span, forKey: key(2 * number).span, in: tables[0])
                try transaction.put(value.span, forKey: key(2 * number).span, in: tables[1])
            }
        }
        #expect(
            try pages(environment, "generation-0") * 3 < pages(environment, "generation-1") * 2
                + 100)
        let other = [UInt8](repeating: 2, count: 8)
        try writer.run { transaction, _ in
            try transaction.append(other.span, forKey: key(7).span, in: tables[0])
            try transaction.append(other.span, forKey: key(8).span, in: tables[0])
            try transaction.append(value.span, forKey: key(3_000).span, in: tables[0])
        }
        try environment.read { (transaction) throws(StoreError) in
            for number in [7, 8] {
                let found = try transaction.value(forKey: key(number).span, in: tables[0])
                #expect(found?[0] == 2)
                #expect(found?.count == 8)
            }
            #expect(try transaction.size(of: tables[0]).entries == 1_002)
        }
        var order = KeyOrder()
        try environment.read { (transaction) throws(StoreError) in
            try transaction.scan(tables[0], prefix: Span()) { key, _ in order.accepts(key) }
        }
        #expect(order.isKept)
        #expect(order.count == 1_002)
    }

    @Test func `only a key above all others is appended, and nothing else happens`() throws {
        let environment = try directory.open(tables: spares.definitions)
        let table = spares.tables(of: environment)[0]
        let writer = try Writer(environment: environment)
        let value = [UInt8](repeating: 1, count: 8)
        let results = try writer.run { transaction, _ in
            var results: [Bool] = []
            for number in [5, 5, 4, 6, 6, 7] {
                results.append(
                    try transaction.appendIfLast(value.span, forKey: key(number).span, in: table))
            }
            return results
        }
        #expect(results == [true, false, false, true, false, true])
        try environment.read { (transaction) throws(StoreError) in
            #expect(try transaction.size(of: table).entries == 3)
        }
    }

    @Test func `an emptied table is empty, its pages are used again, and others keep theirs`()
        throws
    {
        let environment = try directory.open(tables: spares.definitions)
        let tables = spares.tables(of: environment)
        let writer = try Writer(environment: environment)
        let value = [UInt8](repeating: 1, count: 1_000)
        for round in 0..<5 {
            try writer.run { transaction, _ in
                for number in 0..<500 {
                    for table in tables.prefix(2) {
                        try transaction.append(value.span, forKey: key(number).span, in: table)
                    }
                }
            }
            try writer.run { transaction, _ in
                try transaction.empty(tables[0])
                #expect(try transaction.entryCount(of: tables[0]) == 0)
                #expect(try transaction.entryCount(of: tables[1]) == 500)
            }
            #expect(try pages(environment, "generation-0") == 0)
            if round == 4 {
                #expect(try environment.statistics().usedPages < 1_000)
            }
        }
    }

    @Test func `a table is emptied a bounded piece at a time`() throws {
        let environment = try directory.open(tables: spares.definitions)
        let table = spares.tables(of: environment)[31]
        let writer = try Writer(environment: environment)
        try writer.run { transaction, _ in
            for number in 0..<1_000 {
                try transaction.append(key(number).span, forKey: key(number).span, in: table)
            }
        }
        var counts: [Int] = []
        while counts.last != 0 {
            counts.append(
                try writer.run { transaction, _ in try transaction.deleteFirst(400, of: table) })
        }
        #expect(counts == [400, 400, 200, 0])
        #expect(try pages(environment, "generation-31") == 0)
    }
}

/// The 8 bytes of `number`, in the order of numbers.
private func key(_ number: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
}
