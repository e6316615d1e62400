// SPDX-License-Identifier: Apache-2.0

extension FeatureSet {
    /// What the set becomes when version `number`, which is not dropped yet, is dropped.
    ///
    /// Columns that only this version had are dead from then on: rows are written without them, and
    /// ``RowScratch/clean(_:of:erasedUntil:)`` takes them out of stored rows. The version's number and
    /// its columns' numbers are never given again.
    ///
    /// - Parameter readers: what reads the version, "scorer checkout (model abandonment@1)".
    /// - Throws: ``FeatureSetError/conflict(field:reason:)`` if something reads it, or no other is left.
    func dropping(
        version number: UInt32, readers: [String]
    ) throws(FeatureSetError) -> FeatureSetChange {
        guard readers.isEmpty else {
            throw .conflict(
                field: "feature_set",
                reason: "\(name)@\(number) is read by \(readers.joined(separator: ", "))")
        }
        guard liveVersions.count > 1 else {
            throw .conflict(
                field: "feature_set", reason: "\(name)@\(number) is the only version left")
        }
        let before = deadColumns
        var result = self
        result.versions[Int(number) - 1] = versions[Int(number) - 1].dropped
        let dead = result.deadColumns
        var details = ["version \(number) dropped"]
        if dead != before {
            result.layouts.append(
                RowLayout(id: UInt16(layouts.count) + 1, types: columns.map(\.type), dead: dead))
            let freed = dead.filter { !before.contains($0) }.map { columns[Int($0)].name }
            details.append("columns freed: \(freed.joined(separator: ", "))")
        }
        var warnings: [String] = []
        if versions[Int(number) - 1].deprecation.isEmpty {
            warnings.append("\(name)@\(number) was not deprecated before")
        }
        if newest.number == number {
            warnings.append("\(name) without a version means \(name)@\(result.newest.number) now")
        }
        return FeatureSetChange(
            action: .remove, version: number, details: details, warnings: warnings, set: result)
    }
}
