// SPDX-License-Identifier: Apache-2.0

package import API

extension FeatureSet {
    /// The document that defines version `number` (0: the newest) as it is; nil if there is none.
    package func spec(version number: UInt32 = 0) -> KassaV1.FeatureSetSpec? {
        guard let version = version(number) else { return nil }
        return KassaV1.FeatureSetSpec(
            name: name, version: version.number, entity: version.entityKinds,
            features: version.features.map { feature in
                KassaV1.FeatureSpec(
                    name: feature.name,
                    type: KassaV1.FeatureType(rawValue: Int32(feature.type.code)),
                    default: feature.defaultValue?.value, maxAgeMs: feature.maxAgeMilliseconds,
                    description: feature.description, dimension: UInt32(feature.type.dimension),
                    categories: feature.categories,
                    nan: feature.takesNonFiniteAsNull ? .missing : .refuse,
                    onMissing: Self.message(feature.onMissing),
                    onStale: Self.message(feature.onStale))
            },
            ttlMs: version.ttlMilliseconds, owner: owner, description: description,
            labels: labels, historyMs: historyMilliseconds, deprecated: version.deprecation)
    }

    private static func message(_ fallback: Fallback?) -> KassaV1.Fallback {
        KassaV1.Fallback(rawValue: Int32(fallback?.rawValue ?? 0))
    }
}
