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

    @Test func `what was found is replaced, shorter, longer or beyond a page, and nothing else`()
        throws
    {
        let environment = try directory.open(tables: spares.definitions)
        let tables = spares.tables(of: environment)
        let writer = try Writer(environment: environment)
        var expected: [Int: [UInt8]] = [:]
        var state: UInt64 = 7
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        for _ in 0..<30 {
            let steps = (0..<200).map { _ in
                (number: random(400), size: 8 * (1 + random(random(8) == 0 ? 2_000 : 60)))
            }
            let fills = (0..<200).map { _ in UInt8(truncatingIfNeeded: random(256)) }
            let before = expected
            try writer.run { transaction, _ in
                var current = before
                for (step, fill) in zip(steps, fills) {
                    let (number, size) = step
                    let name = key(number)
                    let found = try transaction.count(found: name.span, in: tables[0])
                    #expect(found == current[number]?.count)
                    // Between the two, something else may be written: the place is then looked for again.
                    if fill & 7 == 0 {
                        try transaction.put(name.span, forKey: key(number + 1).span, in: tables[0])
                        current[number + 1] = name
                    } else if fill & 7 == 1 {
                        try transaction.delete(name.span, in: tables[0])
                    } else if fill & 7 == 2 {
                        _ = try transaction.count(found: name.span, in: tables[1])
                    }
                    let value = [UInt8](repeating: fill, count: size)
                    try transaction.replaceFound(
                        with: value.span, forKey: name.span, in: tables[0])
                    current[number] = value
                }
            }
            for (step, fill) in zip(steps, fills) {
                if fill & 7 == 0 { expected[step.number + 1] = key(step.number) }
                expected[step.number] = [UInt8](repeating: fill, count: step.size)
            }
        }
        let model = expected
        try environment.read { (transaction) throws(StoreError) in
            #expect(try transaction.size(of: tables[0]).entries == UInt64(model.count))
            #expect(try transaction.size(of: tables[1]).entries == 0)
            for (number, value) in model {
                let found = try transaction.value(forKey: key(number).span, in: tables[0])
                #expect(found?.count == value.count)
                #expect(found?[0] == value[0])
            }
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
}

/// The 8 bytes of `number`, in the order of numbers.
private func key(_ number: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
}

extension WriteTransaction {
    /// The bytes of what is found under `key`; nil if nothing is.
    fileprivate mutating func count(
        found key: Span<UInt8>, in table: Table
    ) throws(StoreError) -> Int? {
        if let value = try find(key, in: table) { return value.count }
        return nil
    }
}
