// SPDX-License-Identifier: Apache-2.0

extension FeatureSetVersion {
    /// What a model would see differently under `definition`, a line each; empty if nothing.
    func differences(to definition: FeatureSetDefinition) -> [String] {
        var lines: [String] = []
        if entityKinds != definition.entityKinds {
            lines.append(
                "entity changed from \(entityKinds.joined(separator: ", "))"
                    + " to \(definition.entityKinds.joined(separator: ", "))")
        }
        var old: [String: FeatureDefinition] = [:]
        for feature in features { old[feature.name] = feature }
        let newNames = Set(definition.features.map(\.name))
        for feature in features where !newNames.contains(feature.name) {
            lines.append("feature \(feature.name) removed")
        }
        for feature in definition.features {
            guard let before = old[feature.name] else {
                lines.append("feature \(feature.name) added (\(feature.type.name))")
                continue
            }
            lines += Self.differences(from: before, to: feature)
        }
        let common = features.map(\.name).filter(newNames.contains)
        if common != definition.features.map(\.name).filter({ old[$0] != nil }) {
            lines.append("order of features changed")
        }
        if ttlMilliseconds != definition.ttlMilliseconds {
            lines.append(
                "ttl_ms changed from \(ttlMilliseconds) to \(definition.ttlMilliseconds)")
        }
        return lines
    }

    private static func differences(
        from old: FeatureDefinition, to new: FeatureDefinition
    ) -> [String] {
        var lines: [String] = []
        if old.type != new.type {
            lines.append("type of \(new.name) changed from \(old.type.name) to \(new.type.name)")
        }
        if old.defaultValue != new.defaultValue {
            lines.append(
                "default of \(new.name) changed from \(old.defaultValue?.text ?? "none")"
                    + " to \(new.defaultValue?.text ?? "none")")
        }
        if old.maxAgeMilliseconds != new.maxAgeMilliseconds {
            lines.append(
                "max_age_ms of \(new.name) changed from \(old.maxAgeMilliseconds)"
                    + " to \(new.maxAgeMilliseconds)")
        }
        return lines
    }
}
