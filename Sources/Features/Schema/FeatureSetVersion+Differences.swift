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
        lines += featureDifferences(to: definition).flatMap(\.details)
        let names = Set(features.map(\.name))
        let newNames = Set(definition.features.map(\.name))
        let common = features.map(\.name).filter(newNames.contains)
        if common != definition.features.map(\.name).filter(names.contains) {
            lines.append("order of features changed")
        }
        if ttlMilliseconds != definition.ttlMilliseconds {
            lines.append(
                "ttl_ms changed from \(ttlMilliseconds) to \(definition.ttlMilliseconds)")
        }
        return lines
    }

    /// The features that differ under `definition`: dropped ones first, then in its order.
    func featureDifferences(to definition: FeatureSetDefinition) -> [FeatureDifference] {
        var old: [String: FeatureDefinition] = [:]
        for feature in features { old[feature.name] = feature }
        let newNames = Set(definition.features.map(\.name))
        var differences: [FeatureDifference] = []
        for feature in features where !newNames.contains(feature.name) {
            differences.append(
                FeatureDifference(
                    action: .dropped, name: feature.name,
                    details: ["feature \(feature.name) removed"]))
        }
        for feature in definition.features {
            guard let before = old[feature.name] else {
                differences.append(FeatureDifference(adding: feature))
                continue
            }
            let lines = Self.differences(from: before, to: feature)
            if !lines.isEmpty {
                differences.append(
                    FeatureDifference(action: .changed, name: feature.name, details: lines))
            }
        }
        return differences
    }

    private static func differences(
        from old: FeatureDefinition, to new: FeatureDefinition
    ) -> [String] {
        var lines: [String] = []
        func compare(_ what: String, _ before: String, _ after: String) {
            if before != after {
                lines.append("\(what) of \(new.name) changed from \(before) to \(after)")
            }
        }
        compare("type", old.type.name, new.type.name)
        if old.defaultValue != new.defaultValue {
            lines.append(
                "default of \(new.name) changed from \(old.defaultValue?.text ?? "none")"
                    + " to \(new.defaultValue?.text ?? "none")")
        }
        compare("max_age_ms", "\(old.maxAgeMilliseconds)", "\(new.maxAgeMilliseconds)")
        if old.categories != new.categories {
            lines.append("categories of \(new.name) changed")
        }
        compare(
            "nan", old.takesNonFiniteAsNull ? "missing" : "refuse",
            new.takesNonFiniteAsNull ? "missing" : "refuse")
        compare("on_missing", old.onMissing?.name ?? "unset", new.onMissing?.name ?? "unset")
        compare("on_stale", old.onStale?.name ?? "unset", new.onStale?.name ?? "unset")
        return lines
    }
}

extension FeatureDifference {
    /// A feature that was not there before.
    init(adding feature: FeatureDefinition) {
        self.init(
            action: .added, name: feature.name,
            details: ["feature \(feature.name) added (\(feature.type.name))"])
    }
}
