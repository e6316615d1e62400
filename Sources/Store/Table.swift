// SPDX-License-Identifier: Apache-2.0

/// A table of an open environment: a name for the transactions, worth two words.
package struct Table: Hashable, Sendable {
    /// LMDB's handle. `MDB_dbi`.
    let identifier: UInt32
    /// Its place among the environment's tables.
    let index: Int
    /// Whether every key and value length is a multiple of 8; `put` refuses others.
    package let isEightAligned: Bool
}
