// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Wire

/// One feature of a plan: plain numbers, so that a loop over columns retains nothing.
struct ReadColumn {
    /// The number of the oneof's member that holds the values in a `ReadColumn` message.
    let valuesField: UInt32
    /// The feature's type.
    let type: FeatureType
    /// The physical column.
    let column: Int
    /// An older value is expired, in microseconds; `.max` where nothing expires.
    let ttl: Int64
    /// An older value is stale, in microseconds; `.max` where nothing is.
    let maxAge: Int64
    /// The statuses in whose place the default stands.
    let defaulted: StatusSet
    /// Where in the plan's constants the name and the type are, encoded.
    let header: ByteRange
    /// Where the element is that stands for a value that is not there, encoded.
    let placeholder: ByteRange
    /// Where the default is, encoded; empty if there is none.
    let standIn: ByteRange

    /// The column of the feature at `place`, whose constants are appended to `constants`.
    init(_ place: Int, of version: FeatureSetVersion, _ constants: inout WireWriter) {
        let feature = version.features[place]
        type = feature.type
        column = Int(version.columnIDs[place])
        ttl = Self.microseconds(version.ttlMilliseconds)
        maxAge = Self.microseconds(feature.maxAgeMilliseconds)
        defaulted = feature.defaultedStatuses
        valuesField = Self.valuesField(of: feature.type)
        header = constants.range { writer in
            writer.string(KassaV1.ReadColumn.Field.name, feature.name)
            writer.uint32(KassaV1.ReadColumn.Field.type, UInt32(feature.type.code))
        }
        placeholder = constants.range { $0.element(Self.placeholder(of: feature.type)) }
        standIn = constants.range { writer in
            if let value = feature.defaultValue { writer.element(value) }
        }
    }

    private static func microseconds(_ milliseconds: UInt64) -> Int64 {
        // A hundred years at most, so that the product fits.
        milliseconds == 0 ? .max : Int64(milliseconds) * 1_000
    }

    private static func valuesField(of type: FeatureType) -> UInt32 {
        typealias Field = KassaV1.ReadColumn.Field
        return switch type {
        case .float32: Field.floats
        case .float64: Field.doubles
        case .int64, .timestamp: Field.integers
        case .bool: Field.flags
        case .string: Field.texts
        case .vector: Field.vectors
        case .strings: Field.lists
        }
    }

    private static func placeholder(of type: FeatureType) -> DefaultValue {
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

extension WireWriter {
    /// Writes what `body` does and says where it is.
    fileprivate mutating func range(_ body: (inout WireWriter) -> Void) -> ByteRange {
        let start = count
        body(&self)
        return ByteRange(offset: start, count: count - start)
    }

    /// Writes `value` as one element of the message that holds values of its type.
    fileprivate mutating func element(_ value: DefaultValue) {
        switch value {
        case .float32(let number): littleEndian(number.bitPattern)
        case .float64(let number): littleEndian(number.bitPattern)
        case .int64(let number), .timestamp(let number): varint(Self.zigzag(number))
        case .bool(let flag): append(flag ? 1 : 0)
        case .string(let text): string(KassaV1.TextValues.Field.values, text)
        case .vector(let components):
            for component in components { littleEndian(component.bitPattern) }
        case .strings(let list):
            message(KassaV1.StringLists.Field.values, KassaV1.StringList(values: list))
        }
    }
}
