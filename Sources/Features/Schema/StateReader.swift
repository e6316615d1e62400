// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of a feature set's state; every read is checked.
struct StateReader: ~Escapable {
    private let bytes: Span<UInt8>
    private let format: UInt8
    private var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, format: UInt8) {
        self.bytes = bytes
        self.format = format
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
        let code = try integer(UInt8.self)
        let dimension = format == 1 ? 0 : try integer(UInt16.self)
        guard let type = FeatureType(code: code, dimension: dimension) else { throw .damaged }
        return type
    }

    mutating func strings(max: Int) throws(FeatureSetStateError) -> [String] {
        var values: [String] = []
        for _ in 0..<(try count(max: max)) { values.append(try string()) }
        return values
    }

    /// Reads numbers of columns, which ascend and are below `limit`.
    mutating func columns(below limit: Int) throws(FeatureSetStateError) -> [UInt16] {
        guard format > 1 else { return [] }
        var values: [UInt16] = []
        for _ in 0..<(try count(max: limit)) {
            let value = try integer(UInt16.self)
            guard Int(value) < limit, values.last.map({ $0 < value }) ?? true else {
                throw .damaged
            }
            values.append(value)
        }
        return values
    }

    mutating func history() throws(FeatureSetStateError) -> UInt64 {
        format == 1 ? 0 : try integer(UInt64.self)
    }

    private mutating func fallback() throws(FeatureSetStateError) -> Fallback? {
        let raw = try integer(UInt8.self)
        guard raw != 0 else { return nil }
        guard let fallback = Fallback(rawValue: raw) else { throw .damaged }
        return fallback
    }

    /// Reads a version whose features lie on `columns`, and checks it as a document is.
    mutating func version(
        number: UInt32, columns: [PhysicalColumn]
    ) throws(FeatureSetStateError) -> FeatureSetVersion {
        let kinds = try strings(max: FeatureLimits.entityKindsMax)
        let kindsID = try integer(UInt16.self)
        let ttl = try integer(UInt64.self)
        let isDropped = format == 1 ? false : try integer(UInt8.self) != 0
        let deprecation = format == 1 ? "" : try string()
        var features: [FeatureDefinition] = []
        var columnIDs: [UInt16] = []
        for _ in 0..<(try count(max: FeatureLimits.featuresMax)) {
            let name = try string()
            let columnID = try integer(UInt16.self)
            guard Int(columnID) < columns.count, columns[Int(columnID)].name == name else {
                throw .damaged
            }
            let type = columns[Int(columnID)].type
            var feature = FeatureDefinition(name: name, type: type)
            feature.maxAgeMilliseconds = try integer(UInt64.self)
            if format > 1 {
                feature.takesNonFiniteAsNull = try integer(UInt8.self) != 0
                feature.onMissing = try fallback()
                feature.onStale = try fallback()
                feature.categories = try strings(max: FeatureLimits.declaredCategoriesMax)
            }
            feature.description = try string()
            feature.defaultValue = try defaultValue(of: type)
            columnIDs.append(columnID)
            features.append(feature)
        }
        let version = FeatureSetVersion(
            number: number, entityKinds: kinds, kindsID: kindsID, features: features,
            columnIDs: columnIDs, ttlMilliseconds: ttl, deprecation: deprecation,
            isDropped: isDropped)
        if isDropped && features.isEmpty { return version }
        do throws(FeatureSetError) {
            _ = try FeatureSetDefinition(
                name: "any", entityKinds: kinds, features: features, ttlMilliseconds: ttl,
                deprecation: deprecation)
        } catch { throw .damaged }
        guard !isDropped else { throw .damaged }
        return version
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
        case .timestamp: return .timestamp(try integer(Int64.self))
        case .vector(let dimension):
            var components: [Float] = []
            for _ in 0..<dimension {
                components.append(Float(bitPattern: try integer(UInt32.self)))
            }
            return .vector(components)
        case .strings: return .strings(try strings(max: FeatureLimits.listCountMax))
        }
    }
}
