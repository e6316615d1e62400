// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of a feature set's state; every read is checked.
struct StateReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ type: Integer.Type
    ) throws(FeatureSetStateError) -> Integer {
        let byteCount = Integer.bitWidth / 8
        guard bytes.count - offset >= byteCount else { throw .damaged }
        defer { offset += byteCount }
        return bytes.load(at: offset, as: type)
    }

    mutating func count(max: Int) throws(FeatureSetStateError) -> Int {
        let count = Int(try integer(UInt32.self))
        guard count <= max else { throw .damaged }
        return count
    }

    mutating func string() throws(FeatureSetStateError) -> String {
        let byteCount = try count(max: bytes.count - offset)
        guard byteCount <= bytes.count - offset else { throw .damaged }
        let utf8 = bytes.extracting(offset..<offset + byteCount)
        offset += byteCount
        guard let valid = try? UTF8Span(validating: utf8) else { throw .damaged }
        return String(copying: valid)
    }

    mutating func featureType() throws(FeatureSetStateError) -> FeatureType {
        guard let type = FeatureType(rawValue: try integer(UInt8.self)) else { throw .damaged }
        return type
    }

    /// Reads a version whose features lie on `columns`, and checks it as a document is.
    mutating func version(
        number: UInt32, columns: [PhysicalColumn]
    ) throws(FeatureSetStateError) -> FeatureSetVersion {
        var kinds: [String] = []
        for _ in 0..<(try count(max: FeatureLimits.entityKindsMax)) { kinds.append(try string()) }
        let kindsID = try integer(UInt16.self)
        let ttl = try integer(UInt64.self)
        var features: [FeatureDefinition] = []
        var columnIDs: [UInt16] = []
        for _ in 0..<(try count(max: FeatureLimits.featuresMax)) {
            let name = try string()
            let columnID = try integer(UInt16.self)
            guard Int(columnID) < columns.count, columns[Int(columnID)].name == name else {
                throw .damaged
            }
            let type = columns[Int(columnID)].type
            let maxAge = try integer(UInt64.self)
            let description = try string()
            columnIDs.append(columnID)
            features.append(
                FeatureDefinition(
                    name: name, type: type, defaultValue: try defaultValue(of: type),
                    maxAgeMilliseconds: maxAge, description: description))
        }
        do throws(FeatureSetError) {
            _ = try FeatureSetDefinition(
                name: "any", entityKinds: kinds, features: features, ttlMilliseconds: ttl)
        } catch { throw .damaged }
        return FeatureSetVersion(
            number: number, entityKinds: kinds, kindsID: kindsID, features: features,
            columnIDs: columnIDs, ttlMilliseconds: ttl)
    }

    private mutating func defaultValue(
        of type: FeatureType
    ) throws(FeatureSetStateError) -> DefaultValue? {
        guard try integer(UInt8.self) != 0 else { return nil }
        switch type {
        case .float32: return .float32(Float(bitPattern: try integer(UInt32.self)))
        case .float64: return .float64(Double(bitPattern: try integer(UInt64.self)))
        case .int64: return .int64(try integer(Int64.self))
        case .bool: return .bool(try integer(UInt8.self) != 0)
        case .string: return .string(try string())
        }
    }
}
