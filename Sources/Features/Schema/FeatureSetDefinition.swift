// SPDX-License-Identifier: Apache-2.0

internal import Base

/// A document of a feature set that was checked in itself: names, limits, defaults.
package struct FeatureSetDefinition: Hashable, Sendable {
    /// `[a-z][a-z0-9_]*`.
    package var name: String
    /// The version that the author means; 0 means the newest if nothing changed, else the next.
    package var version: UInt32
    /// The entity kinds that together are the key, in key order.
    package var entityKinds: [String]
    /// The features, in the order that a model sees.
    package var features: [FeatureDefinition]
    /// A value older than this is expired; 0 means never.
    package var ttlMilliseconds: UInt64
    /// How far back reads can look; 0 means not at all. Of all versions together.
    package var historyMilliseconds: UInt64
    /// Why the version should not be used any more; empty if it should.
    package var deprecation: String
    /// Who answers for the set.
    package var owner: String
    /// For people.
    package var description: String
    /// For people and their tools.
    package var labels: [String: String]

    /// Checks a definition.
    ///
    /// - Throws: ``FeatureSetError/invalid(field:reason:)``, naming the first wrong field.
    package init(
        name: String, version: UInt32 = 0, entityKinds: [String], features: [FeatureDefinition],
        ttlMilliseconds: UInt64 = 0, historyMilliseconds: UInt64 = 0, deprecation: String = "",
        owner: String = "", description: String = "", labels: [String: String] = [:]
    ) throws(FeatureSetError) {
        self.name = name
        self.version = version
        self.entityKinds = entityKinds
        self.features = features
        self.ttlMilliseconds = ttlMilliseconds
        self.historyMilliseconds = historyMilliseconds
        self.deprecation = deprecation
        self.owner = owner
        self.description = description
        self.labels = labels
        try check()
    }

    private func check() throws(FeatureSetError) {
        try require(Name.isValid(name), "name", Name.rule)
        try require(!entityKinds.isEmpty, "entity", "needs at least one kind")
        try require(
            entityKinds.count <= FeatureLimits.entityKindsMax, "entity",
            "has more than \(FeatureLimits.entityKindsMax) kinds")
        for (index, kind) in entityKinds.enumerated() {
            try require(Name.isValid(kind), "entity[\(index)]", Name.rule)
            try require(
                !entityKinds[..<index].contains(kind), "entity[\(index)]", "names a kind again")
        }
        try require(!features.isEmpty, "features", "needs at least one feature")
        try require(
            features.count <= FeatureLimits.featuresMax, "features",
            "has more than \(FeatureLimits.featuresMax) features")
        var names: Set<String> = []
        for (index, feature) in features.enumerated() {
            try check(feature, at: "features[\(index)]")
            try require(
                names.insert(feature.name).inserted, "features[\(index)].name",
                "is the name of an earlier feature")
        }
        try require(
            features.reduce(0) { $0 + Int($1.type.dimension) } <= FeatureLimits.componentsMax,
            "features", "have vectors of more than \(FeatureLimits.componentsMax) components")
        try requireDuration(ttlMilliseconds, "ttl_ms")
        try requireDuration(historyMilliseconds, "history_ms")
        try requireProse(deprecation, "deprecated")
        try requireProse(owner, "owner")
        try requireProse(description, "description")
        try require(
            labels.count <= FeatureLimits.labelsMax, "labels",
            "has more than \(FeatureLimits.labelsMax) entries")
        for (key, value) in labels {
            let byteCountMax = FeatureLimits.labelByteCountMax
            try require(
                (1...byteCountMax).contains(key.utf8.count) && value.utf8.count <= byteCountMax,
                "labels", "has a key or value of more than \(byteCountMax) bytes, or an empty key")
        }
    }

    private func check(_ feature: FeatureDefinition, at path: String) throws(FeatureSetError) {
        try require(Name.isValid(feature.name), "\(path).name", Name.rule)
        try requireDuration(feature.maxAgeMilliseconds, "\(path).max_age_ms")
        try requireProse(feature.description, "\(path).description")
        try checkCategories(feature, at: "\(path).categories")
        try checkFallbacks(feature, at: path)
        if let value = feature.defaultValue {
            try check(value, of: feature, at: "\(path).default")
        }
    }

    private func checkCategories(
        _ feature: FeatureDefinition, at field: String
    ) throws(FeatureSetError) {
        let categories = feature.categories
        guard !categories.isEmpty else { return }
        try require(feature.type == .string, field, "must be empty unless the type is string")
        try require(
            categories.count <= FeatureLimits.declaredCategoriesMax, field,
            "has more than \(FeatureLimits.declaredCategoriesMax) entries")
        try require(
            categories.allSatisfy { $0.utf8.count <= FeatureLimits.textByteCountMax }, field,
            "has one longer than \(FeatureLimits.textByteCountMax) bytes")
        try require(Set(categories).count == categories.count, field, "has the same one twice")
    }

    private func checkFallbacks(
        _ feature: FeatureDefinition, at path: String
    ) throws(FeatureSetError) {
        if feature.takesNonFiniteAsNull {
            switch feature.type {
            case .float32, .float64, .vector: break
            case .int64, .bool, .string, .timestamp, .strings:
                throw .invalid(
                    field: "\(path).nan", reason: "is for float32, float64 and vectors only")
            }
        }
        try require(
            feature.onMissing != .use, "\(path).on_missing", "must be default, missing or fail")
        let hasDefault = feature.defaultValue != nil
        try require(
            feature.onMissing != .useDefault || hasDefault, "\(path).on_missing",
            "needs a default")
        try require(
            feature.onStale != .useDefault || hasDefault, "\(path).on_stale", "needs a default")
    }

    private func check(
        _ value: DefaultValue, of feature: FeatureDefinition, at field: String
    ) throws(FeatureSetError) {
        switch (feature.type, value) {
        case (.float32, .float32(let number)):
            try require(number.isFinite, field, "is not a finite number")
        case (.float64, .float64(let number)):
            try require(number.isFinite, field, "is not a finite number")
        case (.int64, .int64), (.bool, .bool):
            break
        case (.string, .string(let text)):
            try require(
                text.utf8.count <= FeatureLimits.textByteCountMax, field,
                "is longer than \(FeatureLimits.textByteCountMax) bytes")
            try require(
                feature.categories.isEmpty || feature.categories.contains(text), field,
                "is not one of the categories")
        case (.timestamp, .timestamp(let time)):
            try require(FeatureLimits.timestamps.contains(time), field, "is not in years 1 to 9999")
        case (.vector(let dimension), .vector(let components)):
            try require(
                components.count == Int(dimension), field, "must have \(dimension) components")
            try require(
                components.allSatisfy(\.isFinite), field, "has one that is no finite number")
        case (.strings, .strings(let list)):
            try require(
                list.count <= FeatureLimits.listCountMax, field,
                "has more than \(FeatureLimits.listCountMax) strings")
            try require(
                list.reduce(0) { $0 + $1.utf8.count + 2 } <= FeatureLimits.listByteCountMax,
                field, "is longer than \(FeatureLimits.listByteCountMax) bytes")
        default:
            throw .invalid(field: field, reason: "is not a \(feature.type.name)")
        }
    }

    private func require(
        _ condition: Bool, _ field: String, _ reason: @autoclosure () -> String
    ) throws(FeatureSetError) {
        if !condition { throw .invalid(field: field, reason: reason()) }
    }

    private func requireDuration(
        _ milliseconds: UInt64, _ field: String
    ) throws(FeatureSetError) {
        try require(
            milliseconds <= FeatureLimits.durationMillisecondsMax, field,
            "is more than a hundred years")
    }

    private func requireProse(_ text: String, _ field: String) throws(FeatureSetError) {
        try require(
            text.utf8.count <= FeatureLimits.proseByteCountMax, field,
            "is longer than \(FeatureLimits.proseByteCountMax) bytes")
    }
}
