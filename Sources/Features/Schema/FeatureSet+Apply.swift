// SPDX-License-Identifier: Apache-2.0

extension FeatureSet {
    /// A new set with the definition as version 1.
    init(
        _ definition: FeatureSetDefinition, id: UInt32, kindsID: UInt16
    ) throws(FeatureSetError) {
        self.init(
            name: definition.name, id: id, columns: [], layouts: [], versions: [],
            historyMilliseconds: definition.historyMilliseconds, owner: definition.owner,
            description: definition.description,
            labels: definition.labels)
        guard definition.version <= 1 else {
            throw .conflict(field: "version", reason: "must be 1 or 0, for the set is new")
        }
        try addVersion(definition, kindsID: kindsID)
    }

    /// What the set becomes when `definition` is applied to it.
    ///
    /// A version that exists must be defined again as it is, but for its words; version 0 finds the
    /// newest if it is the same, and makes the next if not. Words of the set (owner, description, labels, history)
    /// follow the newest version's definition only, so that a file that holds several versions settles.
    ///
    /// - Throws: ``FeatureSetError/conflict(field:reason:)`` if the version exists and differs, or skips.
    func applying(
        _ definition: FeatureSetDefinition, kindsID: UInt16
    ) throws(FeatureSetError) -> FeatureSetChange {
        let next = UInt32(versions.count) + 1
        var result = self
        var number = definition.version
        if number == 0 {
            number = newest.differences(to: definition).isEmpty ? newest.number : next
        }
        if number > next {
            throw .conflict(field: "version", reason: "must be at most \(next), the next one")
        }
        var details: [String] = []
        var features: [FeatureDifference] = []
        var action = FeatureSetChange.Action.unchanged
        if number == next {
            details = newest.differences(to: definition)
            features = newest.featureDifferences(to: definition)
            action = .add
            try result.addVersion(definition, kindsID: kindsID)
        } else {
            guard !versions[Int(number) - 1].isDropped else {
                throw .conflict(
                    field: "version",
                    reason: "\(name)@\(number) was dropped, and its number is not given again")
            }
            let differences = versions[Int(number) - 1].differences(to: definition)
            if let first = differences.first {
                throw .conflict(
                    field: "version",
                    reason: "\(name)@\(number) exists and never changes, but \(first)")
            }
        }
        let words = result.takeWords(of: definition, version: number)
        if action == .unchanged && !words.isEmpty { action = .change }
        return FeatureSetChange(
            action: action, version: number, details: details + words, features: features,
            set: result)
    }

    private mutating func addVersion(
        _ definition: FeatureSetDefinition, kindsID: UInt16
    ) throws(FeatureSetError) {
        guard versions.count < FeatureLimits.versionsMax else {
            throw .conflict(
                field: "version", reason: "the set has \(FeatureLimits.versionsMax) versions")
        }
        var columnIDs: [UInt16] = []
        var known: [PhysicalColumn: UInt16] = [:]
        // A dead column may still be in rows: what comes back under its name must not find old values.
        let dead = Set(deadColumns)
        for (index, column) in columns.enumerated() where !dead.contains(UInt16(index)) {
            known[column] = UInt16(index)
        }
        let before = columns.count
        for feature in definition.features {
            let column = PhysicalColumn(name: feature.name, type: feature.type)
            if let id = known[column] {
                columnIDs.append(id)
            } else {
                columnIDs.append(UInt16(columns.count))
                columns.append(column)
            }
            // Checked here, before a column id could overflow.
            guard columns.count <= FeatureLimits.columnsMax else {
                throw .conflict(
                    field: "features",
                    reason: "the set's versions have more than \(FeatureLimits.columnsMax) columns")
            }
        }
        versions.append(
            FeatureSetVersion(
                number: UInt32(versions.count) + 1, entityKinds: definition.entityKinds,
                kindsID: kindsID, features: definition.features, columnIDs: columnIDs,
                ttlMilliseconds: definition.ttlMilliseconds,
                deprecation: definition.deprecation))
        if columns.count > before {
            layouts.append(
                RowLayout(
                    id: UInt16(layouts.count) + 1, types: columns.map(\.type), dead: deadColumns))
        }
    }

    /// Takes over what a model does not see; returns a line for each difference.
    private mutating func takeWords(
        of definition: FeatureSetDefinition, version: UInt32
    ) -> [String] {
        var lines: [String] = []
        let index = Int(version) - 1
        for place in definition.features.indices {
            let new = definition.features[place]
            if versions[index].features[place].description != new.description {
                lines.append("description of \(new.name) changed")
                versions[index].features[place].description = new.description
            }
        }
        if versions[index].deprecation != definition.deprecation {
            lines.append(
                definition.deprecation.isEmpty
                    ? "not deprecated any more" : "deprecated: \(definition.deprecation)")
            versions[index].deprecation = definition.deprecation
        }
        guard version == newest.number else { return lines }
        if historyMilliseconds != definition.historyMilliseconds {
            lines.append(
                "history_ms changed from \(historyMilliseconds)"
                    + " to \(definition.historyMilliseconds)")
            historyMilliseconds = definition.historyMilliseconds
        }
        if owner != definition.owner {
            lines.append("owner changed from \"\(owner)\" to \"\(definition.owner)\"")
            owner = definition.owner
        }
        if description != definition.description {
            lines.append("description changed")
            description = definition.description
        }
        if labels != definition.labels {
            lines.append("labels changed")
            labels = definition.labels
        }
        return lines
    }
}
