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

    /// Spare tables for the rows of one generation of one feature set each.
    let generations: [Table]

    private static let generationNames = (0..<EngineLimits.generationTablesMax).map { number in
        "generation-\(number < 10 ? "0" : "")\(number)"
    }

    static let definitions: [TableDefinition] =
        [.eightAligned("rows"), .any("resources"), .any("bundles"), .any("audit")]
        + generationNames.map { .eightAligned($0) }

    init(_ environment: Environment) {
        rows = environment.table("rows")
        resources = environment.table("resources")
        bundles = environment.table("bundles")
        audit = environment.table("audit")
        generations = Self.generationNames.map { environment.table($0) }
    }

    /// The table of rows with a number that generations are stored with: 0 holds all feature sets.
    func rowTable(_ number: UInt32) -> Table? {
        if number == 0 { return rows }
        let index = Int(number) - 1
        return generations.indices.contains(index) ? generations[index] : nil
    }

    /// The name of that table, as the API has it.
    static func rowTableName(_ number: UInt32) -> String {
        let index = Int(number) - 1
        return generationNames.indices.contains(index) ? generationNames[index] : "rows"
    }
}
