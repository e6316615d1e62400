// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base

/// The values of one feature while a batch grows.
struct ColumnBuilder {
    let name: String
    let type: KassaV1.FeatureType
    private let dimension: Int
    /// Of vectors: the components, row by row.
    private var floats: [Float] = []
    private var doubles: [Double] = []
    private var integers: [Int64] = []
    private var flags: [Bool] = []
    private var texts: [String] = []
    private var lists: [KassaV1.StringList] = []
    private var nulls: [UInt8] = []
    private var absent: [UInt8] = []
    private var valueCount = 0
    private var hasNulls = false
    private var hasAbsent = false

    init(_ feature: LoadSchema.Feature) {
        name = feature.name
        type = feature.type
        dimension = feature.dimension
    }

    /// Whether any row says something about the feature.
    var saysSomething: Bool { valueCount > 0 || hasNulls }

    /// Appends a value; why not, if it is none of the feature's type.
    mutating func append(_ kind: Cell.Kind, _ bytes: Span<UInt8>, row: Int) -> String? {
        switch type {
        case .float32:
            guard kind == .number || kind == .text else { return Self.mismatch(kind, "a number") }
            guard let value = NumberText.float(bytes) else { return "is no finite float32" }
            floats.append(value)
        case .float64:
            guard kind == .number || kind == .text else { return Self.mismatch(kind, "a number") }
            guard let value = NumberText.double(bytes) else { return "is no finite float64" }
            doubles.append(value)
        case .int64:
            guard kind == .number || kind == .text else {
                return Self.mismatch(kind, "a whole number")
            }
            guard let value = NumberText.integer(bytes) else {
                return "is no whole number of 64 bits"
            }
            integers.append(value)
        case .timestamp:
            guard kind == .number || kind == .text else { return Self.mismatch(kind, "a time") }
            // Whole numbers are microseconds, as in a write.
            let date = kind == .text ? TimeFormat.date.microseconds(bytes) : nil
            guard let value = date ?? NumberText.integer(bytes) else {
                return "is neither a time such as 2020-04-01T12:00:00Z nor whole microseconds"
            }
            integers.append(value)
        case .bool:
            switch kind {
            case .true: flags.append(true)
            case .false: flags.append(false)
            case .number, .text:
                guard let value = Self.flag(bytes) else { return "is neither true nor false" }
                flags.append(value)
            default: return Self.mismatch(kind, "true or false")
            }
        case .string:
            guard kind == .text else { return Self.mismatch(kind, "text") }
            guard let text = try? UTF8Span(validating: bytes) else { return "is not UTF-8" }
            texts.append(String(copying: text))
        case .vector:
            guard kind == .nested || kind == .text else {
                return Self.mismatch(kind, "an array of numbers")
            }
            guard ArrayText.append(bytes, count: dimension, to: &floats) else {
                return "is no array of \(dimension) finite float32"
            }
        case .strings:
            guard kind == .nested || kind == .text else {
                return Self.mismatch(kind, "an array of strings")
            }
            guard let list = ArrayText.strings(bytes) else { return "is no array of strings" }
            lists.append(KassaV1.StringList(values: list))
        default:
            return "is of a type that cannot be loaded"
        }
        valueCount += 1
        return nil
    }

    /// Says that the row is an explicit null, or says nothing.
    mutating func appendMissing(isNull: Bool, row: Int) {
        switch type {
        case .float32: floats.append(0)
        case .float64: doubles.append(0)
        case .int64, .timestamp: integers.append(0)
        case .bool: flags.append(false)
        case .vector: floats.append(contentsOf: repeatElement(0, count: dimension))
        case .strings: lists.append(KassaV1.StringList())
        default: texts.append("")
        }
        if isNull {
            Self.set(row, in: &nulls)
            hasNulls = true
        } else {
            Self.set(row, in: &absent)
            hasAbsent = true
        }
    }

    /// Takes back the value of `row`, the last, if there is one.
    mutating func removeLast(row: Int) {
        switch type {
        case .float32: if floats.count > row { floats.removeLast() }
        case .float64: if doubles.count > row { doubles.removeLast() }
        case .int64, .timestamp: if integers.count > row { integers.removeLast() }
        case .bool: if flags.count > row { flags.removeLast() }
        case .vector: if floats.count > row * dimension { floats.removeLast(dimension) }
        case .strings: if lists.count > row { lists.removeLast() }
        default: if texts.count > row { texts.removeLast() }
        }
        Self.clear(row, in: &nulls)
        Self.clear(row, in: &absent)
    }

    /// The column of all rows; the builder is empty afterwards.
    mutating func finish(rowCount: Int) -> KassaV1.Column {
        var column = KassaV1.Column()
        column.name = name
        switch type {
        case .float32: column.values = .floats(KassaV1.FloatValues(values: floats))
        case .float64: column.values = .doubles(KassaV1.DoubleValues(values: doubles))
        case .int64, .timestamp:
            column.values = .integers(KassaV1.IntegerValues(values: integers))
        case .bool: column.values = .flags(KassaV1.FlagValues(values: flags))
        case .vector:
            column.values = .vectors(
                KassaV1.FloatVectors(dimension: UInt32(dimension), values: floats))
        case .strings: column.values = .lists(KassaV1.StringLists(values: lists))
        default: column.values = .texts(KassaV1.TextValues(values: texts))
        }
        let byteCount = (rowCount + 7) / 8
        if hasNulls { column.nulls = Self.padded(nulls, to: byteCount) }
        if hasAbsent { column.absent = Self.padded(absent, to: byteCount) }
        reset()
        return column
    }

    private mutating func reset() {
        floats.removeAll(keepingCapacity: true)
        doubles.removeAll(keepingCapacity: true)
        integers.removeAll(keepingCapacity: true)
        flags.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: true)
        lists.removeAll(keepingCapacity: true)
        nulls.removeAll(keepingCapacity: true)
        absent.removeAll(keepingCapacity: true)
        valueCount = 0
        hasNulls = false
        hasAbsent = false
    }

    private static func padded(_ bitmap: [UInt8], to byteCount: Int) -> [UInt8] {
        let missing = byteCount - bitmap.count
        if missing >= 0 { return bitmap + Array(repeating: 0, count: missing) }
        return Array(bitmap.prefix(byteCount))
    }

    private static func set(_ row: Int, in bitmap: inout [UInt8]) {
        while bitmap.count <= row >> 3 { bitmap.append(0) }
        bitmap[row >> 3] |= 1 << (row & 7)
    }

    private static func clear(_ row: Int, in bitmap: inout [UInt8]) {
        if row >> 3 < bitmap.count { bitmap[row >> 3] &= ~(1 << (row & 7)) }
    }

    private static func flag(_ bytes: Span<UInt8>) -> Bool? {
        for (words, flag) in [
            (["true", "True", "TRUE", "1"], true), (["false", "False", "FALSE", "0"], false),
        ]
        where words.contains(where: { bytes.hasSameBytes(as: $0.utf8Span.span) }) {
            return flag
        }
        return nil
    }

    private static func mismatch(_ kind: Cell.Kind, _ wanted: String) -> String {
        switch kind {
        case .text: "is text, not \(wanted)"
        case .number: "is a number, not \(wanted)"
        case .true, .false: "is true or false, not \(wanted)"
        default: "is an object or an array, not \(wanted)"
        }
    }
}
