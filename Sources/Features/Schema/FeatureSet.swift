// SPDX-License-Identifier: Apache-2.0

/// All versions of the feature set of one name, with the columns and row layouts that they share.
package struct FeatureSet: Sendable {
    /// The name that versions are versions of.
    package let name: String
    /// The set's number in keys of rows.
    package let id: UInt32
    /// Every column that any version has had; a column's id is its index.
    package internal(set) var columns: [PhysicalColumn]
    /// Every layout that a row may be in; a layout's id is its index plus one. The last one is written.
    package internal(set) var layouts: [RowLayout]
    /// Version n is at index n - 1, dropped ones included; at least one is not dropped.
    package internal(set) var versions: [FeatureSetVersion]
    /// How far back the rows' history goes; 0 means that there is none.
    package internal(set) var historyMilliseconds: UInt64
    /// Who answers for the set.
    package internal(set) var owner: String
    /// For people.
    package internal(set) var description: String
    /// For people and their tools.
    package internal(set) var labels: [String: String]

    /// The newest version that is not dropped.
    package var newest: FeatureSetVersion {
        versions[versions.lastIndex { !$0.isDropped } ?? versions.count - 1]
    }

    /// The versions that are not dropped.
    package var liveVersions: [FeatureSetVersion] {
        versions.filter { !$0.isDropped }
    }

    /// The layout that rows are written in.
    package var newestLayout: RowLayout {
        layouts[layouts.count - 1]
    }

    /// Version `number`; 0 means the newest. Nil if there is none, or it was dropped.
    package func version(_ number: UInt32) -> FeatureSetVersion? {
        if number == 0 { return newest }
        guard let index = Int(exactly: number - 1), index < versions.count else { return nil }
        return versions[index].isDropped ? nil : versions[index]
    }

    /// The layout with that id.
    package func layout(_ id: UInt16) -> RowLayout? {
        let index = Int(id) - 1
        return index >= 0 && index < layouts.count ? layouts[index] : nil
    }

    /// The columns that no version has any more, ascending.
    var deadColumns: [UInt16] {
        let live = Set(liveVersions.flatMap(\.columnIDs))
        return columns.indices.map { UInt16($0) }.filter { !live.contains($0) }
    }
}
