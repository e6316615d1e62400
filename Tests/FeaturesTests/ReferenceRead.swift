// SPDX-License-Identifier: Apache-2.0

import API
import Features
import Testing

/// A read's reply as messages, cell by cell and with nothing prepared: the oracle of ``ReadRows``.
struct ReferenceRead {
    let set: FeatureSet
    let version: FeatureSetVersion
    private var columns: [KassaV1.ReadColumn]
    private let places: [Int]

    init(_ set: FeatureSet, _ version: FeatureSetVersion, features: [String] = []) throws {
        self.set = set
        self.version = version
        places =
            try features.isEmpty
            ? Array(version.features.indices)
            : features.map { try #require(version.index(ofFeature: $0)) }
        columns = places.map { place in
            let feature = version.features[place]
            return KassaV1.ReadColumn(
                name: feature.name, type: KassaV1.FeatureType(rawValue: Int32(feature.type.code)),
                values: Self.none(feature.type))
        }
    }

    var values: KassaV1.FeatureSetValues {
        KassaV1.FeatureSetValues(featureSet: "\(set.name)@\(version.number)", columns: columns)
    }

    /// Appends an entity: its row, or nil if it has none.
    mutating func append(_ row: [UInt8]?, now: Int64) {
        for index in columns.indices {
            let feature = version.features[places[index]]
            var (status, age, value) = Self.cell(
                row, set, version, feature, Int(version.columnIDs[places[index]]), now)
            if let fallback = feature.defaultValue, feature.defaultedStatuses.has(status) {
                value = fallback
                status = .defaulted
            }
            columns[index].append(value ?? Self.placeholder(feature.type))
            columns[index].statuses.append(status.rawValue)
            columns[index].agesMs.append(age < 0 ? -1 : age / 1_000)
        }
    }

    private static func cell(
        _ bytes: [UInt8]?, _ set: FeatureSet, _ version: FeatureSetVersion,
        _ feature: FeatureDefinition, _ column: Int, _ now: Int64
    ) -> (ValueStatus, Int64, DefaultValue?) {
        guard let bytes else { return (.noEntity, -1, nil) }
        guard let row = try? RowView(verifying: bytes.span, of: set) else {
            return (.invalid, -1, nil)
        }
        guard let presence = row.presence(ofColumn: column) else { return (.invalid, -1, nil) }
        if presence == .absent { return (.noFeature, -1, nil) }
        guard let time = row.eventTime(ofColumn: column) else { return (.invalid, -1, nil) }
        let age = max(0, now &- time)
        if version.ttlMilliseconds > 0, age > Int64(version.ttlMilliseconds) * 1_000 {
            return (.expired, age, nil)
        }
        if presence == .null { return (.null, age, nil) }
        let isStale =
            feature.maxAgeMilliseconds > 0 && age > Int64(feature.maxAgeMilliseconds) * 1_000
        if isStale, feature.defaultedStatuses.has(.stale) { return (.stale, age, nil) }
        guard let value = value(feature.type, column, row) else { return (.invalid, -1, nil) }
        return (isStale ? .stale : .present, age, value)
    }

    private static func value(
        _ type: FeatureType, _ column: Int, _ row: borrowing RowView
    ) -> DefaultValue? {
        switch type {
        case .float32:
            return .float32(
                Float(bitPattern: UInt32(truncatingIfNeeded: row.bits(ofColumn: column))))
        case .float64: return .float64(Double(bitPattern: row.bits(ofColumn: column)))
        case .int64: return .int64(Int64(bitPattern: row.bits(ofColumn: column)))
        case .timestamp: return .timestamp(Int64(bitPattern: row.bits(ofColumn: column)))
        case .bool: return .bool(row.bits(ofColumn: column) != 0)
        case .string, .vector, .strings: break
        }
        guard let range = row.tailRange(ofColumn: column) else { return nil }
        let tail = row.bytes
        let bytes = range.map { tail[$0] }
        switch type {
        case .string: return String(validating: bytes, as: UTF8.self).map { .string($0) }
        case .vector:
            return .vector(
                stride(from: 0, to: bytes.count, by: 4).map { start in
                    Float(
                        bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
                    )
                })
        default: return strings(bytes).map { .strings($0) }
        }
    }

    private static func strings(_ bytes: [UInt8]) -> [String]? {
        var rest = bytes[...]
        var list: [String] = []
        while let low = rest.popFirst() {
            guard let high = rest.popFirst() else { return nil }
            let count = Int(low) | Int(high) << 8
            guard
                rest.count >= count,
                let text = String(validating: rest.prefix(count), as: UTF8.self)
            else { return nil }
            list.append(text)
            rest = rest.dropFirst(count)
        }
        return list
    }

    private static func none(_ type: FeatureType) -> KassaV1.ReadColumn.Values {
        switch type {
        case .float32: .floats(KassaV1.FloatValues())
        case .float64: .doubles(KassaV1.DoubleValues())
        case .int64, .timestamp: .integers(KassaV1.IntegerValues())
        case .bool: .flags(KassaV1.FlagValues())
        case .string: .texts(KassaV1.TextValues())
        case .vector(let dimension):
            .vectors(KassaV1.FloatVectors(dimension: UInt32(dimension)))
        case .strings: .lists(KassaV1.StringLists())
        }
    }

    private static func placeholder(_ type: FeatureType) -> DefaultValue {
        switch type {
        case .float32: .float32(0)
        case .float64: .float64(0)
        case .int64: .int64(0)
        case .bool: .bool(false)
        case .string: .string("")
        case .timestamp: .timestamp(0)
        case .vector(let dimension): .vector([Float](repeating: 0, count: Int(dimension)))
        case .strings: .strings([])
        }
    }
}

extension KassaV1.ReadColumn {
    fileprivate mutating func append(_ value: DefaultValue) {
        switch (values, value) {
        case (.floats(var message)?, .float32(let number)):
            message.values.append(number)
            values = .floats(message)
        case (.doubles(var message)?, .float64(let number)):
            message.values.append(number)
            values = .doubles(message)
        case (.integers(var message)?, .int64(let number)),
            (.integers(var message)?, .timestamp(let number)):
            message.values.append(number)
            values = .integers(message)
        case (.flags(var message)?, .bool(let flag)):
            message.values.append(flag)
            values = .flags(message)
        case (.texts(var message)?, .string(let text)):
            message.values.append(text)
            values = .texts(message)
        case (.vectors(var message)?, .vector(let components)):
            message.values += components
            values = .vectors(message)
        case (.lists(var message)?, .strings(let list)):
            message.values.append(KassaV1.StringList(values: list))
            values = .lists(message)
        default: Issue.record("a value of another type")
        }
    }
}
