// SPDX-License-Identifier: Apache-2.0

internal import Store

/// The tables of the store, by what they hold.
struct EngineTables: Sendable {
    /// Rows of features; all keys and values 8-aligned.
    let rows: Table
    /// Feature sets and scorers, by "kind/name".
    let resources: Table
    /// Models, by "name@version".
    let bundles: Table
    /// Changes, by their number (big-endian).
    let audit: Table

    static let definitions: [TableDefinition] = [
        .eightAligned("rows"), .any("resources"), .any("bundles"), .any("audit"),
    ]

    init(_ environment: Environment) {
        rows = environment.table("rows")
        resources = environment.table("resources")
        bundles = environment.table("bundles")
        audit = environment.table("audit")
    }
}
