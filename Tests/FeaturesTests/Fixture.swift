// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Wire

/// What the tests of this module build with.
enum Fixture {
    /// A moment to call now: microseconds since the epoch.
    static let now: Int64 = 1_790_000_000_000_000

    static func catalog(_ definitions: FeatureSetDefinition...) throws -> FeatureCatalog {
        var catalog = FeatureCatalog()
        for definition in definitions { _ = try catalog.apply(definition) }
        return catalog
    }

    /// A set with a feature of every type.
    static func mixed(version: UInt32 = 0) throws -> FeatureSetDefinition {
        try FeatureSetDefinition(
            name: "cart", version: version, entityKinds: ["session"],
            features: [
                FeatureDefinition(
                    name: "amount", type: .float32, defaultValue: .float32(2.5),
                    maxAgeMilliseconds: 60_000),
                FeatureDefinition(name: "total", type: .float64),
                FeatureDefinition(name: "items", type: .int64, defaultValue: .int64(7)),
                FeatureDefinition(name: "member", type: .bool),
                FeatureDefinition(name: "country", type: .string, defaultValue: .string("ch")),
                FeatureDefinition(name: "browser", type: .string),
            ],
            ttlMilliseconds: 3_600_000)
    }

    /// A set with a feature of every type, the newer ones too.
    static func rich() throws -> FeatureSetDefinition {
        var definition = try mixed()
        definition.features += [
            FeatureDefinition(
                name: "seen", type: .timestamp, defaultValue: .timestamp(now - 86_400_000_000)),
            FeatureDefinition(
                name: "taste", type: .vector(3), defaultValue: .vector([1, 2, 3]),
                maxAgeMilliseconds: 60_000),
            FeatureDefinition(name: "tags", type: .strings),
            FeatureDefinition(name: "look", type: .vector(2)),
            FeatureDefinition(name: "since", type: .timestamp),
        ]
        return definition
    }

    /// A set of `count` float32 features, f0, f1 and so on.
    static func floats(_ count: Int, name: String = "floats") throws -> FeatureSetDefinition {
        try FeatureSetDefinition(
            name: name, entityKinds: ["session"],
            features: (0..<count).map { FeatureDefinition(name: "f\($0)", type: .float32) })
    }

    static func request(
        _ ids: [String], _ columns: [KassaV1.Column], times: [Int64] = [now]
    ) -> KassaV1.WriteRequest {
        KassaV1.WriteRequest(
            featureSet: "cart", keys: [KassaV1.KeyColumn(kind: "session", ids: ids)],
            eventTimeUs: times, columns: columns)
    }

    static func prepare(
        _ request: KassaV1.WriteRequest, _ set: FeatureSet, version: UInt32 = 0
    ) throws -> PreparedWrite {
        let found = try require(set.version(version))
        return try PreparedWrite(
            request, to: set, version: found, receivedAt: Timestamp(microseconds: now))
    }

    static func require<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Missing() }
        return value
    }

    struct Missing: Error {}

    /// Merges the rows of a write into `rows`, by key.
    static func apply(
        _ write: PreparedWrite, to rows: inout [[UInt8]: [UInt8]], of set: FeatureSet,
        _ scratch: inout RowScratch, sequence: UInt64 = 1
    ) -> [MergeOutcome] {
        var outcomes: [MergeOutcome] = []
        for row in 0..<write.rowCount where !write.isRefused(row) {
            let key = bytes(write.key(row))
            let outcome: MergeOutcome
            if let stored = rows[key] {
                outcome = write.merge(
                    row: row, into: stored.span, of: set, with: &scratch, sequence: sequence)
            } else {
                outcome = write.merge(
                    row: row, into: nil, of: set, with: &scratch, sequence: sequence)
            }
            if outcome == .changed || outcome == .replacedDamaged {
                rows[key] = bytes(scratch.row)
            }
            outcomes.append(outcome)
        }
        return outcomes
    }

    /// The one row that a write of one row makes.
    static func row(
        _ request: KassaV1.WriteRequest, _ set: FeatureSet, version: UInt32 = 0
    ) throws -> [UInt8] {
        var rows: [[UInt8]: [UInt8]] = [:]
        var scratch = RowScratch()
        _ = apply(try prepare(request, set, version: version), to: &rows, of: set, &scratch)
        return try require(rows.values.first)
    }

    static func bytes(_ span: Span<UInt8>) -> [UInt8] {
        span.indices.map { span[$0] }
    }

    /// A row without its checksum and sequence: what any order of writes must give.
    static func content(_ row: [UInt8]) -> [UInt8] {
        Array(row[4..<8] + row[16...])
    }

    /// What a reply holds of some entities' rows.
    static func values(
        _ entities: [[UInt8]?], _ plan: ReadPlan, now: Int64 = now
    ) throws -> KassaV1.FeatureSetValues {
        var rows = ReadRows()
        return try values(entities, plan, now: now, with: &rows)
    }

    /// The same, in memory that was used before.
    static func values(
        _ entities: [[UInt8]?], _ plan: ReadPlan, now: Int64, with rows: inout ReadRows
    ) throws -> KassaV1.FeatureSetValues {
        // The store's rows stay where they are, an array's need not: these are copied.
        let memory = unsafe entities.map { row in
            UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, row?.count ?? 0))
        }
        defer { for index in entities.indices { unsafe memory[index].deallocate() } }
        rows.start(count: entities.count)
        for (index, row) in entities.enumerated() {
            // Safe: the memory lives until the reply is written.
            if let row {
                _ = unsafe memory[index].initialize(from: row)
                let bytes = unsafe UnsafeBufferPointer(rebasing: memory[index][..<row.count])
                unsafe rows.place(Span(_unsafeElements: bytes), at: index, now: now)
            } else {
                unsafe rows.place(nil, at: index, now: now)
            }
        }
        return try written(plan, entities.count, &rows)
    }

    /// What a reply holds of the rows that were placed.
    static func written(
        _ plan: ReadPlan, _ count: Int, _ rows: inout ReadRows
    ) throws -> KassaV1.FeatureSetValues {
        var writer = WireWriter()
        guard rows.write(plan, from: 0, count: count, upTo: .max, into: &writer) else {
            throw Missing()
        }
        let response = try KassaV1.ReadResponse(decoding: writer.bytes)
        return try require(response.featureSets.first)
    }

    static func read(
        _ row: [UInt8]?, _ set: FeatureSet, version: UInt32 = 0, now: Int64 = now
    ) throws -> [Reading] {
        let plan = try ReadPlan(set: set, version: require(set.version(version)))
        return try values([row], plan, now: now).columns.map { column in
            Reading(
                status: try require(ValueStatus(rawValue: column.statuses[0])),
                value: try value(column), ageMilliseconds: column.agesMs[0])
        }
    }

    private static func value(_ column: KassaV1.ReadColumn) throws -> DefaultValue {
        switch try require(column.values) {
        case .floats(let values): .float32(values.values[0])
        case .doubles(let values): .float64(values.values[0])
        case .integers(let values):
            column.type == .timestamp ? .timestamp(values.values[0]) : .int64(values.values[0])
        case .flags(let values): .bool(values.values[0])
        case .texts(let values): .string(values.values[0])
        case .vectors(let values): .vector(values.values)
        case .lists(let values): .strings(values.values[0].values)
        }
    }
}

/// One value as Read gives it.
struct Reading: Equatable {
    var status: ValueStatus
    var value: DefaultValue
    var ageMilliseconds: Int64
}

extension KassaV1.Column {
    static func floats(_ name: String, _ values: [Float], nulls: [UInt8] = []) -> Self {
        Self(name: name, values: .floats(KassaV1.FloatValues(values: values)), nulls: nulls)
    }
    static func doubles(_ name: String, _ values: [Double]) -> Self {
        Self(name: name, values: .doubles(KassaV1.DoubleValues(values: values)))
    }
    static func integers(_ name: String, _ values: [Int64], absent: [UInt8] = []) -> Self {
        Self(name: name, values: .integers(KassaV1.IntegerValues(values: values)), absent: absent)
    }
    static func flags(_ name: String, _ values: [Bool]) -> Self {
        Self(name: name, values: .flags(KassaV1.FlagValues(values: values)))
    }
    static func vectors(_ name: String, _ values: [[Float]], dimension: Int? = nil) -> Self {
        Self(
            name: name,
            values: .vectors(
                KassaV1.FloatVectors(
                    dimension: UInt32(dimension ?? values[0].count), values: values.flatMap { $0 }))
        )
    }
    static func lists(_ name: String, _ values: [[String]]) -> Self {
        Self(
            name: name,
            values: .lists(
                KassaV1.StringLists(values: values.map { KassaV1.StringList(values: $0) })))
    }
    static func texts(_ name: String, _ values: [String]) -> Self {
        Self(name: name, values: .texts(KassaV1.TextValues(values: values)))
    }
}
