// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Wire

/// The features to read of one version of a feature set, with their names resolved and all that is the
/// same for every reply encoded.
///
/// Rows in any layout of the set are read by one plan: what depends on the layout is looked up in it.
package final class ReadPlan: Sendable {
    /// The set that is read.
    package let set: FeatureSet
    /// The version whose features are read.
    package let version: FeatureSetVersion
    /// The set's layouts.
    let layouts: [RowLayout]
    /// The columns of the reply, in the order asked for.
    let columns: [ReadColumn]
    /// The bytes that ``ReadColumn`` names ranges of.
    let constants: [UInt8]
    /// Where in the constants the version's name is, encoded.
    let name: ByteRange
    /// For each word of presence, ``Presence/allPresent`` at the columns that are read.
    let masks: [UInt64]
    /// A row whose values are all this young is neither stale nor expired anywhere, in microseconds.
    let freshMax: Int64
    /// Values for each entity: features, and of a vector its components.
    package let valueCount: Int

    /// Resolves `features`; none means all, in their declared order.
    ///
    /// - Throws: ``FieldError``, naming the feature's place.
    package init(
        set: FeatureSet, version: FeatureSetVersion, features: [String] = []
    ) throws(FieldError) {
        self.set = set
        self.version = version
        layouts = set.layouts
        let places = try Self.places(of: features, in: version, of: set)
        var writer = WireWriter(capacity: 64)
        writer.string(
            KassaV1.FeatureSetValues.Field.featureSet, "\(set.name)@\(version.number)")
        name = ByteRange(offset: 0, count: writer.count)
        // Of a feature that is asked for several times there is one column.
        var known: [Int: ReadColumn] = [:]
        columns = places.map { place in
            let column = known[place] ?? ReadColumn(place, of: version, &writer)
            known[place] = column
            return column
        }
        let bytes = writer.bytes
        constants = bytes.indices.map { bytes[$0] }
        var masks: [UInt64] = []
        for column in columns {
            let word = column.column >> 5
            while masks.count <= word { masks.append(0) }
            masks[word] |= 3 << UInt64((column.column & 31) * 2)
        }
        self.masks = masks.map { $0 & Presence.allPresent }
        freshMax = columns.reduce(.max) { min($0, $1.ttl, $1.maxAge) }
        valueCount = columns.reduce(0) { $0 + max(1, Int($1.type.dimension)) }
    }

    /// Bytes of memory that the plan has to itself, about.
    package var byteCount: Int {
        constants.count + columns.count * MemoryLayout<ReadColumn>.stride + 256
    }

    /// Places in `version.features`, in the order asked for.
    private static func places(
        of features: [String], in version: FeatureSetVersion, of set: FeatureSet
    ) throws(FieldError) -> [Int] {
        guard !features.isEmpty else { return Array(version.features.indices) }
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
        return places
    }
}
