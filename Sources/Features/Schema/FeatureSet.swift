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
    /// Version n is at index n - 1; never empty.
    package internal(set) var versions: [FeatureSetVersion]
    /// Who answers for the set.
    package internal(set) var owner: String
    /// For people.
    package internal(set) var description: String
    /// For people and their tools.
    package internal(set) var labels: [String: String]

    /// The newest version.
    package var newest: FeatureSetVersion {
        versions[versions.count - 1]
    }

    /// The layout that rows are written in.
    package var newestLayout: RowLayout {
        layouts[layouts.count - 1]
    }

    /// Version `number`; 0 means the newest.
    package func version(_ number: UInt32) -> FeatureSetVersion? {
        if number == 0 { return newest }
        guard let index = Int(exactly: number - 1), index < versions.count else { return nil }
        return versions[index]
    }

    /// The layout with that id.
    package func layout(_ id: UInt16) -> RowLayout? {
        let index = Int(id) - 1
        return index >= 0 && index < layouts.count ? layouts[index] : nil
    }
}
