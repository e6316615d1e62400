// SPDX-License-Identifier: Apache-2.0

internal import Store

/// The tables of the store, by what they hold.
struct EngineTables: Sendable {
    /// Rows of features; all keys and values 8-aligned.
    let rows: Table
    /// Rows as they were at event times of the past; all keys and values 8-aligned.
    let history: Table
    /// Entities that were erased; all keys and values 8-aligned.
    let tombstones: Table
    /// Writes that named themselves, and the order in which they are forgotten.
    let writeIDs: Table
    /// Feature sets and scorers, by "kind/name".
    let resources: Table
    /// Models, by "name@version".
    let bundles: Table
    /// Changes, by their number (big-endian).
    let audit: Table

    static let definitions: [TableDefinition] = [
        .eightAligned("rows"), .eightAligned("history"), .eightAligned("tombstones"),
        .any("write_ids"), .any("resources"), .any("bundles"), .any("audit"),
    ]

    init(_ environment: Environment) {
        rows = environment.table("rows")
        history = environment.table("history")
        tombstones = environment.table("tombstones")
        writeIDs = environment.table("write_ids")
        resources = environment.table("resources")
        bundles = environment.table("bundles")
        audit = environment.table("audit")
    }
}
