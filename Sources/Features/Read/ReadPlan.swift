// SPDX-License-Identifier: Apache-2.0

/// The features to read of one version of a feature set, with their names resolved.
package struct ReadPlan: Sendable {
    /// The set that is read.
    package let set: FeatureSet
    /// The version whose features are read.
    package let version: FeatureSetVersion
    /// Places in `version.features`, in the order asked for.
    let places: [Int]

    /// Resolves `features`; none means all, in their declared order.
    ///
    /// - Throws: ``FieldError``, naming the feature's place.
    package init(
        set: FeatureSet, version: FeatureSetVersion, features: [String] = []
    ) throws(FieldError) {
        self.set = set
        self.version = version
        guard !features.isEmpty else {
            places = Array(version.features.indices)
            return
        }
        guard features.count <= FeatureLimits.featuresMax else {
            throw FieldError(
                field: "features", reason: "has more than \(FeatureLimits.featuresMax) names")
        }
        var known: [String: Int] = [:]
        for (place, feature) in version.features.enumerated() { known[feature.name] = place }
        var places: [Int] = []
        for (index, name) in features.enumerated() {
            guard let place = known[name] else {
                throw FieldError(
                    field: "features[\(index)]",
                    reason: "is not a feature of \(set.name)@\(version.number)")
            }
            places.append(place)
        }
        self.places = places
    }

    /// Values for each entity: features, and of a vector its components.
    package var valueCount: Int {
        places.reduce(0) { $0 + max(1, Int(version.features[$1].type.dimension)) }
    }

    /// What a reader of a feature gets from a verified row: before a default stands in.
    func status(
        ofPlace place: Int, in row: borrowing RowView, now: Int64
    ) -> (status: ValueStatus, age: Int64) {
        let column = Int(version.columnIDs[place])
        guard let presence = row.presence(ofColumn: column) else { return (.invalid, -1) }
        guard presence != .absent else { return (.noFeature, -1) }
        guard let time = row.eventTime(ofColumn: column) else { return (.invalid, -1) }
        let age = max(0, now &- time)
        if age > Self.microseconds(version.ttlMilliseconds) { return (.expired, age) }
        if presence == .null { return (.null, age) }
        let maxAge = Self.microseconds(version.features[place].maxAgeMilliseconds)
        return (age > maxAge ? .stale : .present, age)
    }

    private static func microseconds(_ milliseconds: UInt64) -> Int64 {
        // A hundred years at most, so that the product fits.
        milliseconds == 0 ? .max : Int64(milliseconds) * 1_000
    }
}
