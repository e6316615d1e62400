// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Store

/// What one `FeatureSelection` means under one configuration.
final class ReadSelection: Sendable {
    let plan: ReadPlan
    /// The bytes of each entity kind of the key.
    let kinds: [[UInt8]]
    /// Where its rows are.
    let rows: RowAddress

    /// Where the rows of a feature set are: plain numbers, for the loop that looks rows up.
    struct RowAddress {
        let table: Table
        /// The numbers in keys of the list of entity kinds, and of the set.
        let kindsID: UInt16
        let setID: UInt32
    }

    init(_ plan: ReadPlan, _ table: Table) {
        self.plan = plan
        kinds = plan.version.entityKinds.map { Array($0.utf8) }
        rows = RowAddress(
            table: table, kindsID: plan.version.kindsID, setID: plan.set.id)
    }
}
