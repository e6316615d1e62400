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
        ttlMilliseconds: UInt64 = 0, owner: String = "", description: String = "",
        labels: [String: String] = [:]
    ) throws(FeatureSetError) {
        self.name = name
        self.version = version
        self.entityKinds = entityKinds
        self.features = features
        self.ttlMilliseconds = ttlMilliseconds
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
        try requireDuration(ttlMilliseconds, "ttl_ms")
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
        guard let value = feature.defaultValue else { return }
        let field = "\(path).default"
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
        case (.float32, _), (.float64, _), (.int64, _), (.bool, _), (.string, _):
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
