// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Wire

/// A value from the command line, read as the type that its feature is declared with.
enum TypedValue: Equatable {
    case float(Float)
    case double(Double)
    case integer(Int64)
    case flag(Bool)
    case text(String)
    case vector([Float])
    case strings([String])
    case null

    /// Reads `text` for a feature of `type`; `null` is the explicit null of every type.
    init(_ value: NamedText, type: KassaV1.FeatureType) throws(CommandError) {
        if value.text == "null" {
            self = .null
            return
        }
        switch type {
        case .float32:
            guard let number = Float(value.text), number.isFinite else {
                throw Self.wrong(value, "a number")
            }
            self = .float(number)
        case .float64:
            guard let number = Double(value.text), number.isFinite else {
                throw Self.wrong(value, "a number")
            }
            self = .double(number)
        case .int64:
            guard let number = Int64(value.text) else { throw Self.wrong(value, "a whole number") }
            self = .integer(number)
        case .bool:
            guard let flag = Bool(value.text) else { throw Self.wrong(value, "true or false") }
            self = .flag(flag)
        case .string:
            self = .text(value.text)
        case .timestamp:
            guard let time = Int64(value.text) else {
                throw Self.wrong(value, "a time in microseconds since 1970")
            }
            self = .integer(time)
        case .vector:
            let numbers = Self.parts(value.text).map { Float($0) }
            guard numbers.allSatisfy({ $0?.isFinite == true }) else {
                throw Self.wrong(value, "numbers with commas between them")
            }
            self = .vector(numbers.compactMap { $0 })
        case .strings:
            self = .strings(Self.parts(value.text))
        default:
            throw .failed("feature \(value.name) has a type that this kassa does not know")
        }
    }

    /// What stands between commas.
    private static func parts(_ text: String) -> [String] {
        text.isEmpty
            ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func wrong(_ value: NamedText, _ wanted: String) -> CommandError {
        .usage("\(value.name) must be \(wanted) or null, not \"\(value.text)\"")
    }

    /// The value in a request's context.
    var value: KassaV1.Value {
        switch self {
        case .float(let number): KassaV1.Value(kind: .number(Double(number)))
        case .double(let number): KassaV1.Value(kind: .number(number))
        case .integer(let integer): KassaV1.Value(kind: .integer(integer))
        case .flag(let flag): KassaV1.Value(kind: .flag(flag))
        case .text(let text): KassaV1.Value(kind: .text(text))
        case .vector(let values):
            KassaV1.Value(kind: .vector(KassaV1.FloatVector(values: values)))
        case .strings(let values):
            KassaV1.Value(kind: .strings(KassaV1.StringList(values: values)))
        case .null: KassaV1.Value(kind: .null(KassaV1.NullValue()))
        }
    }

    /// The value as a column of one row; a null has a placeholder of the feature's type.
    func column(_ name: String, type: KassaV1.FeatureType) -> KassaV1.Column {
        var column = KassaV1.Column()
        column.name = name
        switch self {
        case .float(let number): column.values = .floats(KassaV1.FloatValues(values: [number]))
        case .double(let number): column.values = .doubles(KassaV1.DoubleValues(values: [number]))
        case .integer(let integer):
            column.values = .integers(KassaV1.IntegerValues(values: [integer]))
        case .flag(let flag): column.values = .flags(KassaV1.FlagValues(values: [flag]))
        case .text(let text): column.values = .texts(KassaV1.TextValues(values: [text]))
        case .vector(let values):
            column.values = .vectors(
                KassaV1.FloatVectors(dimension: UInt32(values.count), values: values))
        case .strings(let values):
            column.values = .lists(
                KassaV1.StringLists(values: [KassaV1.StringList(values: values)]))
        case .null:
            column.nulls = [1]
            switch type {
            case .float32: column.values = .floats(KassaV1.FloatValues(values: [0]))
            case .float64: column.values = .doubles(KassaV1.DoubleValues(values: [0]))
            case .int64, .timestamp:
                column.values = .integers(KassaV1.IntegerValues(values: [0]))
            case .bool: column.values = .flags(KassaV1.FlagValues(values: [false]))
            case .string: column.values = .texts(KassaV1.TextValues(values: [""]))
            // These take no placeholder.
            default: column.values = nil
            }
        }
        return column
    }
}
