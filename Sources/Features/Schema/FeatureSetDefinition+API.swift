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
            ttlMilliseconds: spec.ttlMs, owner: spec.owner, description: spec.description,
            labels: spec.labels)
    }
}

extension FeatureDefinition {
    init(_ spec: KassaV1.FeatureSpec, at path: String) throws(FeatureSetError) {
        guard let type = FeatureType(spec.type) else {
            throw .invalid(
                field: "\(path).type", reason: "must be FLOAT32, FLOAT64, INT64, BOOL or STRING")
        }
        var value: DefaultValue?
        if let stated = spec.default {
            value = DefaultValue(stated, as: type)
            if value == nil {
                throw .invalid(field: "\(path).default", reason: "is not a \(type.name)")
            }
        }
        self.init(
            name: spec.name, type: type, defaultValue: value,
            maxAgeMilliseconds: spec.maxAgeMs, description: spec.description)
    }
}

extension FeatureType {
    /// The type with the API's number.
    package init?(_ type: KassaV1.FeatureType) {
        guard let raw = UInt8(exactly: type.rawValue) else { return nil }
        self.init(rawValue: raw)
    }
}

extension DefaultValue {
    init?(_ value: KassaV1.Value, as type: FeatureType) {
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
        case (.float32, _), (.float64, _), (.int64, _), (.bool, _), (.string, _):
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
        }
    }
}
