// SPDX-License-Identifier: Apache-2.0

/// All feature sets, by name: the value that a configuration epoch holds.
///
/// Sets are never removed, so that no number in a row's key is ever given twice.
package struct FeatureCatalog: Sendable {
    /// The sets by name.
    package private(set) var sets: [String: FeatureSet] = [:]
    private var nextSetID: UInt32 = 1
    private var kindsIDs: [[String]: UInt16] = [:]

    /// An empty catalog.
    package init() {}

    /// A catalog of stored sets.
    ///
    /// - Throws: ``FeatureSetStateError`` if two sets share a name or a number, or disagree about kinds.
    package init(_ stored: [FeatureSet]) throws(FeatureSetStateError) {
        var ids: Set<UInt32> = []
        var kinds: [UInt16: [String]] = [:]
        for set in stored {
            guard ids.insert(set.id).inserted, sets[set.name] == nil else { throw .damaged }
            for version in set.versions {
                guard
                    kindsIDs[version.entityKinds, default: version.kindsID] == version.kindsID,
                    kinds[version.kindsID, default: version.entityKinds] == version.entityKinds
                else { throw .damaged }
                kindsIDs[version.entityKinds] = version.kindsID
                kinds[version.kindsID] = version.entityKinds
            }
            sets[set.name] = set
            guard set.id < .max else { throw .damaged }
            nextSetID = max(nextSetID, set.id + 1)
        }
    }

    /// The set and the version that `reference` names.
    package func resolve(
        _ reference: FeatureSetReference
    ) -> (set: FeatureSet, version: FeatureSetVersion)? {
        guard let set = sets[reference.name], let version = set.version(reference.version) else {
            return nil
        }
        return (set, version)
    }

    /// The lists of entity kinds that key rows, dropped versions' included, with their numbers, ascending.
    package var kindLists: [(kindsID: UInt16, kinds: [String])] {
        kindsIDs.map { ($0.value, $0.key) }.sorted { $0.kindsID < $1.kindsID }
    }

    /// Applies a definition; the catalog changes as the result says. For a plan, apply to a copy.
    ///
    /// - Parameter readers: what reads a version, "scorer checkout": warned of if it is deprecated.
    package mutating func apply(
        _ definition: FeatureSetDefinition,
        readers: (_ name: String, _ version: UInt32) -> [String] = { _, _ in [] }
    ) throws(FeatureSetError) -> FeatureSetChange {
        let kindsID = try kindsID(of: definition.entityKinds)
        var change: FeatureSetChange
        if let set = sets[definition.name] {
            change = try set.applying(definition, kindsID: kindsID)
        } else {
            guard nextSetID < .max else {
                throw .conflict(field: "name", reason: "there are no more numbers for sets")
            }
            let set = try FeatureSet(definition, id: nextSetID, kindsID: kindsID)
            let features = definition.features.map { FeatureDifference(adding: $0) }
            change = FeatureSetChange(
                action: .add, version: 1, details: features.flatMap(\.details),
                features: features, set: set)
        }
        guard change.set.encodedState().count <= FeatureLimits.stateByteCountMax else {
            throw .conflict(
                field: "features",
                reason: "the set's versions take more than \(FeatureLimits.stateByteCountMax) bytes"
            )
        }
        if !definition.deprecation.isEmpty {
            let readers = readers(definition.name, change.version)
            if !readers.isEmpty {
                change.warnings.append(
                    "\(definition.name)@\(change.version) is deprecated and read by "
                        + readers.joined(separator: ", "))
            }
        }
        nextSetID = max(nextSetID, change.set.id + 1)
        kindsIDs[definition.entityKinds] = kindsID
        sets[definition.name] = change.set
        return change
    }

    /// Drops the version that `reference` pins; nil if there is no such version.
    ///
    /// - Parameter readers: what reads it; it must be empty.
    /// - Throws: ``FeatureSetError/conflict(field:reason:)`` if something reads it, or no other is left.
    package mutating func drop(
        _ reference: FeatureSetReference, readers: [String]
    ) throws(FeatureSetError) -> FeatureSetChange? {
        guard reference.version > 0, let (set, version) = resolve(reference) else { return nil }
        let change = try set.dropping(version: version.number, readers: readers)
        sets[set.name] = change.set
        return change
    }

    private func kindsID(of kinds: [String]) throws(FeatureSetError) -> UInt16 {
        if let known = kindsIDs[kinds] { return known }
        let last = kindsIDs.values.max() ?? 0
        guard last < .max else {
            throw .conflict(field: "entity", reason: "there are no more numbers for lists of kinds")
        }
        return last + 1
    }
}
