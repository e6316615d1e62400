// SPDX-License-Identifier: Apache-2.0

internal import API

/// One column of a read's reply while it grows.
struct ReadColumnBuilder {
    private let feature: FeatureDefinition
    private let defaulted: StatusSet
    private var floats: [Float] = []
    private var doubles: [Double] = []
    private var integers: [Int64] = []
    private var flags: [Bool] = []
    private var texts: [String] = []
    private var lists: [KassaV1.StringList] = []
    private var statuses: [UInt8] = []
    private var ages: [Int64] = []
    /// Bytes that the values, statuses and ages have in a reply, at the least.
    private(set) var byteCount = 0

    init(_ feature: FeatureDefinition, capacity: Int) {
        self.feature = feature
        defaulted = feature.defaultedStatuses
        statuses.reserveCapacity(capacity)
        ages.reserveCapacity(capacity)
    }

    /// Appends the value that a row holds, unless a default stands in its place.
    mutating func append(
        _ row: borrowing RowView, column: Int, _ status: ValueStatus, age: Int64
    ) {
        if defaulted.has(status) { return appendMissing(status, age: age) }
        guard feature.type.isInTail else {
            append(bits: row.bits(ofColumn: column))
            return note(status, age)
        }
        guard
            let range = row.tailRange(ofColumn: column),
            append(tail: row.bytes.extracting(range))
        else { return appendMissing(.invalid, age: -1) }
        note(status, age)
    }

    private mutating func append(bits: UInt64) {
        switch feature.type {
        case .float32:
            floats.append(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            byteCount += 4
        case .float64:
            doubles.append(Double(bitPattern: bits))
            byteCount += 8
        case .int64, .timestamp:
            integers.append(Int64(bitPattern: bits))
            byteCount += 1
        case .bool:
            flags.append(bits != 0)
            byteCount += 1
        case .string, .vector, .strings:
            break
        }
    }

    /// Appends a value of the tail; false if the bytes are none.
    private mutating func append(tail bytes: Span<UInt8>) -> Bool {
        switch feature.type {
        case .string:
            guard let text = try? UTF8Span(validating: bytes) else { return false }
            texts.append(String(copying: text))
            byteCount += 2 + bytes.count
        case .vector(let dimension):
            for index in 0..<Int(dimension) {
                floats.append(Float(bitPattern: bytes.load(at: index * 4)))
            }
            byteCount += 4 * Int(dimension)
        case .strings:
            guard let list = StringListBytes.read(bytes) else { return false }
            append(list)
        case .float32, .float64, .int64, .bool, .timestamp:
            return false
        }
        return true
    }

    /// Appends the default if it may stand in, else a placeholder.
    mutating func appendMissing(_ status: ValueStatus, age: Int64) {
        let value = defaulted.has(status) ? feature.defaultValue : nil
        append(value ?? placeholder)
        note(value == nil ? status : .defaulted, age)
    }

    private var placeholder: DefaultValue {
        switch feature.type {
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

    private mutating func append(_ value: DefaultValue) {
        switch value {
        case .float32(let number): append(bits: UInt64(number.bitPattern))
        case .float64(let number): append(bits: number.bitPattern)
        case .int64(let number), .timestamp(let number):
            append(bits: UInt64(bitPattern: number))
        case .bool(let flag): append(bits: flag ? 1 : 0)
        case .string(let text):
            texts.append(text)
            byteCount += 2 + text.utf8.count
        case .vector(let components):
            floats += components
            byteCount += 4 * components.count
        case .strings(let list):
            append(list)
        }
    }

    private mutating func append(_ list: [String]) {
        lists.append(KassaV1.StringList(values: list))
        byteCount += list.reduce(2) { $0 + 2 + $1.utf8.count }
    }

    private mutating func note(_ status: ValueStatus, _ age: Int64) {
        statuses.append(status.rawValue)
        ages.append(age < 0 ? -1 : age / 1_000)
        byteCount += 2
    }

    var column: KassaV1.ReadColumn {
        let values: KassaV1.ReadColumn.Values =
            switch feature.type {
            case .float32: .floats(KassaV1.FloatValues(values: floats))
            case .float64: .doubles(KassaV1.DoubleValues(values: doubles))
            case .int64, .timestamp: .integers(KassaV1.IntegerValues(values: integers))
            case .bool: .flags(KassaV1.FlagValues(values: flags))
            case .string: .texts(KassaV1.TextValues(values: texts))
            case .vector(let dimension):
                .vectors(KassaV1.FloatVectors(dimension: UInt32(dimension), values: floats))
            case .strings: .lists(KassaV1.StringLists(values: lists))
            }
        return KassaV1.ReadColumn(
            name: feature.name, type: KassaV1.FeatureType(rawValue: Int32(feature.type.code)),
            values: values, statuses: statuses, agesMs: ages)
    }
}
