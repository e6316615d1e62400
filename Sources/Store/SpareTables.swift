// SPDX-License-Identifier: Apache-2.0

/// Tables that are all alike, made at open to be filled and emptied later: LMDB opens no table once
/// readers run, so what comes and goes (a generation of a bulk load) takes one of these.
///
/// An empty table takes no page of its own.
package struct SpareTables: Hashable, Sendable {
    /// What their names begin with; a number follows, from 0.
    package let prefix: String
    /// How many there are.
    package let count: Int
    /// Whether every key and value length is a multiple of 8.
    package let isEightAligned: Bool

    /// `count` tables called `prefix` and a number.
    package init(prefix: String, count: Int, isEightAligned: Bool = false) {
        precondition(count > 0)
        precondition(count < Limits.tablesMax)
        self.prefix = prefix
        self.count = count
        self.isEightAligned = isEightAligned
    }

    /// The tables to name at open.
    package var definitions: [TableDefinition] {
        (0..<count).map {
            TableDefinition(name: "\(prefix)\($0)", isEightAligned: isEightAligned)
        }
    }

    /// The tables in the order of their numbers; to be asked for once, at start.
    package func tables(of environment: Environment) -> [Table] {
        (0..<count).map { environment.table("\(prefix)\($0)") }
    }
}
