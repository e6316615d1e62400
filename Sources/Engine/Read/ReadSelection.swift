// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Store

/// What one `FeatureSelection` means under one configuration.
final class ReadSelection: Sendable {
    let plan: ReadPlan
    /// The table that the rows are read from.
    let table: Table
    /// The bytes of each entity kind of the key.
    let kinds: [[UInt8]]

    init(_ plan: ReadPlan, _ table: Table) {
        self.plan = plan
        self.table = table
        kinds = plan.version.entityKinds.map { Array($0.utf8) }
    }
}
