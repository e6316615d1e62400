// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Testing

@Suite struct MergeTests {
    /// One cell of a random write.
    enum Cell: Equatable {
        case null
        case value(DefaultValue)
    }

    /// One row of a random write.
    struct Write {
        var id: String
        var time: Int64
        var cells: [String: Cell]
    }

    /// What is stored, by the simplest rule: per (id, feature) the greatest (time, value).
    struct Model {
        var cells: [String: [String: (time: Int64, cell: Cell)]] = [:]

        mutating func apply(_ write: Write) {
            for (name, cell) in write.cells {
                if let old = cells[write.id]?[name] {
                    guard
                        write.time > old.time
                            || write.time == old.time && Model.isGreater(cell, old.cell)
                    else { continue }
                }
                cells[write.id, default: [:]][name] = (write.time, cell)
            }
        }

        static func bytes(_ vector: [Float]) -> [UInt8] {
            vector.flatMap { component in
                (0..<4).map { UInt8(truncatingIfNeeded: component.bitPattern >> ($0 * 8)) }
            }
        }

        static func bytes(_ list: [String]) -> [UInt8] {
            list.flatMap { [UInt8($0.utf8.count), 0] + Array($0.utf8) }
        }

        static func isGreater(_ left: Cell, _ right: Cell) -> Bool {
            switch (left, right) {
            case (.null, _): false
            case (.value, .null): true
            case (.value(let left), .value(let right)):
                switch (left, right) {
                case (.float32(let left), .float32(let right)): left.bitPattern > right.bitPattern
                case (.float64(let left), .float64(let right)): left.bitPattern > right.bitPattern
                case (.int64(let left), .int64(let right)):
                    UInt64(bitPattern: left) > UInt64(bitPattern: right)
                case (.bool(let left), .bool(let right)): left && !right
                case (.string(let left), .string(let right)):
                    right.utf8.lexicographicallyPrecedes(left.utf8)
                case (.timestamp(let left), .timestamp(let right)):
                    UInt64(bitPattern: left) > UInt64(bitPattern: right)
                case (.vector(let left), .vector(let right)):
                    bytes(right).lexicographicallyPrecedes(bytes(left))
                case (.strings(let left), .strings(let right)):
                    bytes(right).lexicographicallyPrecedes(bytes(left))
                default: false
                }
            }
        }
    }

    static func randomCell(
        _ type: FeatureType, _ generator: inout SeededGenerator
    ) -> Cell {
        if Int.random(in: 0..<6, using: &generator) == 0 { return .null }
        let small = Int64.random(in: -3...3, using: &generator)
        switch type {
        case .float32: return .value(.float32(Float(small) / 2))
        case .float64: return .value(.float64(Double(small) * 1e10))
        case .int64: return .value(.int64(small))
        case .bool: return .value(.bool(small > 0))
        case .string:
            let texts = ["", "a", "ab", "b", "ü", "a longer text"]
            return .value(.string(texts[Int.random(in: 0..<texts.count, using: &generator)]))
        case .timestamp: return .value(.timestamp(small * 1_000_000))
        case .vector(let dimension):
            return .value(
                .vector(
                    (0..<Int(dimension)).map { _ in Float.random(in: -1...1, using: &generator) }
                        .map { $0.rounded() }))
        case .strings:
            let lists = [[], [""], ["a"], ["a", "b"], ["ab"], ["b", ""], ["ü", "a longer text"]]
            return .value(.strings(lists[Int.random(in: 0..<lists.count, using: &generator)]))
        }
    }

    static func randomWrites(
        _ count: Int, _ features: [FeatureDefinition], _ generator: inout SeededGenerator
    ) -> [Write] {
        (0..<count).map { _ in
            var cells: [String: Cell] = [:]
            for feature in features where Int.random(in: 0..<3, using: &generator) > 0 {
                cells[feature.name] = randomCell(feature.type, &generator)
            }
            return Write(
                id: "s-\(Int.random(in: 0..<4, using: &generator))",
                time: Fixture.now + Int64.random(in: -4...4, using: &generator), cells: cells)
        }
    }

    /// The writes as one batch: cells that a write lacks are absent.
    static func request(
        _ writes: [Write], _ features: [FeatureDefinition]
    ) -> KassaV1.WriteRequest {
        let columns = features.map { feature in
            var nulls = [UInt8](repeating: 0, count: (writes.count + 7) / 8)
            var absent = nulls
            let values = writes.enumerated().map { row, write -> DefaultValue in
                switch write.cells[feature.name] {
                case nil: absent[row >> 3] |= 1 << (row & 7)
                case .null: nulls[row >> 3] |= 1 << (row & 7)
                case .value(let value): return value
                }
                return placeholder(feature.type)
            }
            var column = column(feature, values)
            column.nulls = nulls
            column.absent = absent
            return column
        }
        return Fixture.request(writes.map(\.id), columns, times: writes.map(\.time))
    }

    static func placeholder(_ type: FeatureType) -> DefaultValue {
        switch type {
        case .float32: .float32(.nan)
        case .float64: .float64(.infinity)
        case .int64: .int64(-1)
        case .bool: .bool(true)
        case .string: .string("placeholder")
        case .timestamp: .timestamp(.max)
        case .vector(let dimension): .vector([Float](repeating: .nan, count: Int(dimension)))
        case .strings: .strings(["placeholder"])
        }
    }

    static func column(_ feature: FeatureDefinition, _ values: [DefaultValue]) -> KassaV1.Column {
        switch feature.type {
        case .float32:
            .floats(feature.name, values.map { if case .float32(let x) = $0 { x } else { 0 } })
        case .float64:
            .doubles(feature.name, values.map { if case .float64(let x) = $0 { x } else { 0 } })
        case .int64:
            .integers(feature.name, values.map { if case .int64(let x) = $0 { x } else { 0 } })
        case .bool:
            .flags(feature.name, values.map { if case .bool(let x) = $0 { x } else { false } })
        case .string:
            .texts(feature.name, values.map { if case .string(let x) = $0 { x } else { "" } })
        case .timestamp:
            .integers(feature.name, values.map { if case .timestamp(let x) = $0 { x } else { 0 } })
        case .vector:
            .vectors(feature.name, values.map { if case .vector(let x) = $0 { x } else { [] } })
        case .strings:
            .lists(feature.name, values.map { if case .strings(let x) = $0 { x } else { [] } })
        }
    }

    @Test(arguments: 0..<60)
    func `any order, duplication and split of writes gives the same rows as a dictionary`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let catalog = try Fixture.catalog(Fixture.rich())
        let set = try #require(catalog.sets["cart"])
        let features = set.newest.features
        let writes = Self.randomWrites(24, features, &generator)
        var model = Model()
        for write in writes { model.apply(write) }

        var first: [[UInt8]: [UInt8]]?
        for _ in 0..<6 {
            var order = writes
            for _ in 0..<Int.random(in: 0...10, using: &generator) {
                order.append(writes[Int.random(in: 0..<writes.count, using: &generator)])
            }
            order.shuffle(using: &generator)
            var rows: [[UInt8]: [UInt8]] = [:]
            var scratch = RowScratch()
            var sequence: UInt64 = 0
            while !order.isEmpty {
                let count = Int.random(in: 1...order.count, using: &generator)
                let batch = Array(order.prefix(count))
                order.removeFirst(count)
                let write = try Fixture.prepare(Self.request(batch, features), set)
                #expect(write.refusals.isEmpty, "seed \(seed)")
                sequence += UInt64.random(in: 1...9, using: &generator)
                _ = Fixture.apply(write, to: &rows, of: set, &scratch, sequence: sequence)
            }
            let contents = rows.mapValues(Fixture.content)
            if let first { #expect(first == contents, "seed \(seed)") }
            first = contents
            try check(rows, set, model, seed)
        }
    }

    func check(
        _ rows: [[UInt8]: [UInt8]], _ set: FeatureSet, _ model: Model, _ seed: UInt64
    ) throws {
        for (id, cells) in model.cells {
            var key = RowKey()
            key.start(kindsID: set.newest.kindsID)
            try key.append(id)
            try key.finish(setID: set.id)
            let row = try #require(rows[Fixture.bytes(key.bytes)], "seed \(seed)")
            let readings = try Fixture.read(row, set, now: Fixture.now + 1_000_000)
            for (feature, reading) in zip(set.newest.features, readings) {
                let note: Comment = "seed \(seed), \(id), \(feature.name)"
                guard let cell = cells[feature.name] else {
                    #expect(
                        reading.status == (feature.defaultValue == nil ? .noFeature : .defaulted),
                        note)
                    continue
                }
                let age = (Fixture.now + 1_000_000 - cell.time) / 1_000
                #expect(reading.ageMilliseconds == age, note)
                switch cell.cell {
                case .null: #expect(reading.status == .null, note)
                case .value(let value):
                    #expect(reading.status == .present, note)
                    #expect(reading.value == value, note)
                }
            }
        }
    }

    @Test func `a write that changes nothing leaves row and sequence alone`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        let write = try Fixture.prepare(
            Fixture.request(["s"], [.floats("amount", [1]), .texts("country", ["de"])]), set)
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        #expect(Fixture.apply(write, to: &rows, of: set, &scratch, sequence: 4) == [.changed])
        let before = rows
        #expect(Fixture.apply(write, to: &rows, of: set, &scratch, sequence: 5) == [.unchanged])
        #expect(rows == before)
        let row = try #require(rows.values.first)
        let sequence = try RowView(verifying: row.span, of: set).sequence
        #expect(sequence == 4)
    }

    @Test func `a partial row leaves other columns alone and a null differs from absent`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let both = try Fixture.prepare(
            Fixture.request(["s"], [.floats("amount", [1]), .doubles("total", [9])]), set)
        _ = Fixture.apply(both, to: &rows, of: set, &scratch)
        let null = try Fixture.prepare(
            Fixture.request(
                ["s"], [.floats("amount", [0], nulls: [1]), .integers("items", [3], absent: [1])],
                times: [Fixture.now + 1]), set)
        #expect(Fixture.apply(null, to: &rows, of: set, &scratch) == [.changed])
        let readings = try Fixture.read(rows.values.first, set)
        #expect(
            readings.map(\.status) == [
                .null, .present, .defaulted, .noFeature, .defaulted, .noFeature,
            ])
        #expect(readings[1].value == .float64(9))
        #expect(readings[2].value == .int64(7))
    }

    @Test func `a damaged row is replaced by the write and the loss is reported`() throws {
        let set = try #require(try Fixture.catalog(Fixture.mixed()).sets["cart"])
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let write = try Fixture.prepare(Fixture.request(["s"], [.floats("amount", [1])]), set)
        _ = Fixture.apply(write, to: &rows, of: set, &scratch)
        let whole = rows
        let key = try #require(rows.keys.first)
        rows[key]?[40] ^= 1
        #expect(Fixture.apply(write, to: &rows, of: set, &scratch) == [.replacedDamaged])
        #expect(rows == whole)
    }

    @Test func `a row that would be too long is not changed`() throws {
        let features = (0..<64).map { FeatureDefinition(name: "t\($0)", type: .string) }
        let definition = try FeatureSetDefinition(
            name: "long", entityKinds: ["session"], features: features)
        let set = try #require(try Fixture.catalog(definition).sets["long"])
        let text = String(repeating: "x", count: FeatureLimits.textByteCountMax)
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        let fits = features.dropLast().map { KassaV1.Column.texts($0.name, [text]) }
        let write = try Fixture.prepare(Fixture.request(["s"], fits), set)
        #expect(Fixture.apply(write, to: &rows, of: set, &scratch) == [.changed])
        let before = rows
        let rest = FeatureLimits.rowByteCountMax - (32 + 16 + 64 * 4) - 63 * 1_024
        let last = try Fixture.prepare(
            Fixture.request(["s"], [.texts("t63", [String(repeating: "y", count: rest + 1)])]), set)
        #expect(Fixture.apply(last, to: &rows, of: set, &scratch) == [.tooLarge])
        #expect(rows == before)
        let longest = try Fixture.prepare(
            Fixture.request(["s"], [.texts("t63", [String(repeating: "y", count: rest)])]), set)
        #expect(Fixture.apply(longest, to: &rows, of: set, &scratch) == [.changed])
        #expect(rows.values.first?.count == FeatureLimits.rowByteCountMax)
    }

    @Test func `a thousand event times in one row are kept apart`() throws {
        let set = try #require(try Fixture.catalog(Fixture.floats(1_000)).sets["floats"])
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        for column in (0..<1_000).reversed() {
            let write = try Fixture.prepare(
                Fixture.request(
                    ["s"], [.floats("f\(column)", [Float(column)])],
                    times: [Fixture.now - Int64(column) * 1_000]), set)
            _ = Fixture.apply(write, to: &rows, of: set, &scratch)
        }
        let readings = try Fixture.read(rows.values.first, set)
        for (column, reading) in readings.enumerated() {
            #expect(reading.ageMilliseconds == Int64(column))
            #expect(reading.value == .float32(Float(column)))
        }
    }
}
