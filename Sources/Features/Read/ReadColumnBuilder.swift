// SPDX-License-Identifier: Apache-2.0

internal import API

/// One column of a read's reply while it grows.
struct ReadColumnBuilder {
    private let feature: FeatureDefinition
    private var floats: [Float] = []
    private var doubles: [Double] = []
    private var integers: [Int64] = []
    private var flags: [Bool] = []
    private var texts: [String] = []
    private var statuses: [UInt8] = []
    private var ages: [Int64] = []

    init(_ feature: FeatureDefinition, capacity: Int) {
        self.feature = feature
        statuses.reserveCapacity(capacity)
        ages.reserveCapacity(capacity)
    }

    /// Appends the value that a row holds.
    mutating func append(
        _ row: borrowing RowView, column: Int, _ status: ValueStatus, age: Int64
    ) {
        let bits = row.bits(ofColumn: column)
        switch feature.type {
        case .float32: floats.append(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .float64: doubles.append(Double(bitPattern: bits))
        case .int64: integers.append(Int64(bitPattern: bits))
        case .bool: flags.append(bits != 0)
        case .string:
            guard
                let range = row.textRange(ofColumn: column),
                let text = try? UTF8Span(validating: row.bytes.extracting(range))
            else { return appendMissing(.invalid, age: -1) }
            texts.append(String(copying: text))
        }
        note(status, age)
    }

    /// Appends the default if it may stand in, else a placeholder.
    mutating func appendMissing(_ status: ValueStatus, age: Int64) {
        let value = status.isReplaceable ? feature.defaultValue : nil
        switch feature.type {
        case .float32: floats.append(value?.float32 ?? 0)
        case .float64: doubles.append(value?.float64 ?? 0)
        case .int64: integers.append(value?.int64 ?? 0)
        case .bool: flags.append(value?.bool ?? false)
        case .string: texts.append(value?.string ?? "")
        }
        note(value == nil ? status : .defaulted, age)
    }

    private mutating func note(_ status: ValueStatus, _ age: Int64) {
        statuses.append(status.rawValue)
        ages.append(age < 0 ? -1 : age / 1_000)
    }

    var column: KassaV1.ReadColumn {
        let values: KassaV1.ReadColumn.Values =
            switch feature.type {
            case .float32: .floats(KassaV1.FloatValues(values: floats))
            case .float64: .doubles(KassaV1.DoubleValues(values: doubles))
            case .int64: .integers(KassaV1.IntegerValues(values: integers))
            case .bool: .flags(KassaV1.FlagValues(values: flags))
            case .string: .texts(KassaV1.TextValues(values: texts))
            }
        return KassaV1.ReadColumn(
            name: feature.name,
            type: KassaV1.FeatureType(rawValue: Int32(feature.type.rawValue)),
            values: values, statuses: statuses, agesMs: ages)
    }
}

extension DefaultValue {
    fileprivate var float32: Float? { if case .float32(let value) = self { value } else { nil } }
    fileprivate var float64: Double? { if case .float64(let value) = self { value } else { nil } }
    fileprivate var int64: Int64? { if case .int64(let value) = self { value } else { nil } }
    fileprivate var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    fileprivate var string: String? { if case .string(let value) = self { value } else { nil } }
}
