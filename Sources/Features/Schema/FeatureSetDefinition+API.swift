// SPDX-License-Identifier: Apache-2.0

package import API

extension FeatureSetDefinition {
    /// Checks a document as it came over the wire.
    ///
    /// A default may be written as any number that the feature's type holds exactly (float32: nearest).
    ///
    /// - Throws: ``FeatureSetError/invalid(field:reason:)``, naming the first wrong field.
    package init(_ spec: KassaV1.FeatureSetSpec) throws(FeatureSetError) {
        // Before anything is converted: a document may have any number of features.
        guard spec.features.count <= FeatureLimits.featuresMax else {
            throw .invalid(
                field: "features", reason: "has more than \(FeatureLimits.featuresMax) features")
        }
        var features: [FeatureDefinition] = []
        for (index, feature) in spec.features.enumerated() {
            features.append(try FeatureDefinition(feature, at: "features[\(index)]"))
        }
        try self.init(
            name: spec.name, version: spec.version, entityKinds: spec.entity, features: features,
            ttlMilliseconds: spec.ttlMs, historyMilliseconds: spec.historyMs,
            deprecation: spec.deprecated, owner: spec.owner, description: spec.description,
            labels: spec.labels)
    }
}

extension FeatureDefinition {
    init(_ spec: KassaV1.FeatureSpec, at path: String) throws(FeatureSetError) {
        // Before anything is converted: a document may have any number of categories.
        guard spec.categories.count <= FeatureLimits.declaredCategoriesMax else {
            throw .invalid(
                field: "\(path).categories",
                reason: "has more than \(FeatureLimits.declaredCategoriesMax) entries")
        }
        let type = try FeatureType(spec, at: path)
        var value: DefaultValue?
        if let stated = spec.default {
            value = DefaultValue(stated, as: type)
            if value == nil {
                throw .invalid(field: "\(path).default", reason: "is not a \(type.name)")
            }
        }
        self.init(
            name: spec.name, type: type, defaultValue: value,
            maxAgeMilliseconds: spec.maxAgeMs, categories: spec.categories,
            takesNonFiniteAsNull: try Self.takesNonFiniteAsNull(spec.nan, at: path),
            onMissing: try Self.fallback(spec.onMissing, at: "\(path).on_missing"),
            onStale: try Self.fallback(spec.onStale, at: "\(path).on_stale"),
            description: spec.description)
    }

    private static func takesNonFiniteAsNull(
        _ nan: KassaV1.NonFinite, at path: String
    ) throws(FeatureSetError) -> Bool {
        switch nan {
        case .refuse: return false
        case .missing: return true
        default: throw .invalid(field: "\(path).nan", reason: "must be refuse or missing")
        }
    }

    private static func fallback(
        _ given: KassaV1.Fallback, at field: String
    ) throws(FeatureSetError) -> Fallback? {
        guard given != .unspecified else { return nil }
        guard let raw = UInt8(exactly: given.rawValue), let fallback = Fallback(rawValue: raw)
        else { throw .invalid(field: field, reason: "must be use, default, missing or fail") }
        return fallback
    }
}

extension FeatureType {
    /// The type that a document states, with a vector's dimension.
    init(_ spec: KassaV1.FeatureSpec, at path: String) throws(FeatureSetError) {
        guard spec.type == .vector || spec.dimension == 0 else {
            throw .invalid(field: "\(path).dimension", reason: "is for vectors only")
        }
        guard spec.type != .vector || (1...UInt32(FeatureLimits.dimensionMax)) ~= spec.dimension
        else {
            throw .invalid(
                field: "\(path).dimension", reason: "must be 1 to \(FeatureLimits.dimensionMax)")
        }
        guard
            let code = UInt8(exactly: spec.type.rawValue),
            let type = FeatureType(code: code, dimension: UInt16(spec.dimension))
        else {
            throw .invalid(
                field: "\(path).type",
                reason:
                    "must be FLOAT32, FLOAT64, INT64, BOOL, STRING, TIMESTAMP, VECTOR or STRINGS"
            )
        }
        self = type
    }
}

extension DefaultValue {
    /// The default that a document states; nil if it is not of the type.
    package init?(_ value: KassaV1.Value, as type: FeatureType) {
        switch (type, value.kind) {
        case (.float32, .number(let number)):
            self = .float32(Float(number))
        case (.float32, .integer(let integer)):
            guard let exact = Float(exactly: integer) else { return nil }
            self = .float32(exact)
        case (.float64, .number(let number)):
            self = .float64(number)
        case (.float64, .integer(let integer)):
            guard let exact = Double(exactly: integer) else { return nil }
            self = .float64(exact)
        case (.int64, .integer(let integer)):
            self = .int64(integer)
        case (.int64, .number(let number)):
            guard let exact = Int64(exactly: number) else { return nil }
            self = .int64(exact)
        case (.bool, .flag(let flag)):
            self = .bool(flag)
        case (.string, .text(let text)):
            self = .string(text)
        case (.timestamp, .integer(let integer)):
            self = .timestamp(integer)
        case (.vector, .vector(let vector)):
            self = .vector(vector.values)
        case (.strings, .strings(let list)):
            self = .strings(list.values)
        case (.float32, _), (.float64, _), (.int64, _), (.bool, _), (.string, _), (.timestamp, _),
            (.vector, _), (.strings, _):
            return nil
        }
    }

    var value: KassaV1.Value {
        switch self {
        case .float32(let number): KassaV1.Value(kind: .number(Double(number)))
        case .float64(let number): KassaV1.Value(kind: .number(number))
        case .int64(let number): KassaV1.Value(kind: .integer(number))
        case .bool(let flag): KassaV1.Value(kind: .flag(flag))
        case .string(let text): KassaV1.Value(kind: .text(text))
        case .timestamp(let time): KassaV1.Value(kind: .integer(time))
        case .vector(let components):
            KassaV1.Value(kind: .vector(KassaV1.FloatVector(values: components)))
        case .strings(let list):
            KassaV1.Value(kind: .strings(KassaV1.StringList(values: list)))
        }
    }
}
