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
    /// Scores that wait for their outcomes, by ``ScoreID``.
    let scores: Table
    /// How far each scorer's scores have matured, and the calibrations of its slots.
    let calibrations: Table
    /// What is in the slots of scorers, how it came there, and what is kept out.
    let rollouts: Table

    /// Spare tables for the rows of one generation of one feature set each.
    let generations: [Table]

    private static let spare = SpareTables(
        prefix: "generation-", count: EngineLimits.generationTablesMax, isEightAligned: true)

    static let definitions: [TableDefinition] =
        [
            .eightAligned("rows"), .eightAligned("history"), .eightAligned("tombstones"),
            .any("write_ids"), .any("resources"), .any("bundles"), .any("audit"),
            .any("scores"), .any("calibrations"),
            .any("rollouts"),
        ] + spare.definitions

    init(_ environment: Environment) {
        rows = environment.table("rows")
        history = environment.table("history")
        tombstones = environment.table("tombstones")
        writeIDs = environment.table("write_ids")
        resources = environment.table("resources")
        bundles = environment.table("bundles")
        audit = environment.table("audit")
        scores = environment.table("scores")
        calibrations = environment.table("calibrations")
        rollouts = environment.table("rollouts")
        generations = Self.spare.tables(of: environment)
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
        return (0..<spare.count).contains(index) ? spare.definitions[index].name : "rows"
    }

    /// Every table that holds rows.
    var allRows: [Table] { [rows] + generations }
}
