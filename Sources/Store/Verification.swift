// SPDX-License-Identifier: Apache-2.0

/// What a look at every entry of an environment found.
package struct Verification: Hashable, Sendable {
    /// One table's part.
    package struct TableResult: Hashable, Sendable {
        /// The table's name.
        package var name: String
        /// Entries seen.
        package var entries: UInt64
        /// Bytes of their keys and values.
        package var bytes: UInt64
        /// Entries that the caller's check refused.
        package var refused: UInt64
        /// The first keys that it refused, up to ``refusedKeysMax``.
        package var refusedKeys: [[UInt8]]
        /// Why the rest of the table could not be read; nil, if all of it was.
        package var failure: StoreError?

        /// Counts an entry, and names it if it is not sound.
        mutating func note(_ key: Span<UInt8>, _ value: Span<UInt8>, isSound: Bool) {
            entries += 1
            bytes += UInt64(key.count + value.count)
            guard !isSound else { return }
            refused += 1
            if refusedKeys.count < Verification.refusedKeysMax {
                refusedKeys.append(key.indices.map { key[$0] })
            }
        }
    }

    /// Keys that a result names.
    package static let refusedKeysMax = 16

    /// Every table, by name.
    package var tables: [TableResult]
    /// Slices, each on a snapshot of its own.
    package var slices: Int
    /// The longest time for which a slice kept a snapshot, in microseconds.
    package var longestSliceMicroseconds: UInt64
    /// Whether it was stopped before the end.
    package var isStopped: Bool

    /// Entries seen.
    package var entries: UInt64 { tables.reduce(0) { $0 + $1.entries } }
    /// Entries refused.
    package var refused: UInt64 { tables.reduce(0) { $0 + $1.refused } }
    /// Whether every entry was seen, and none refused.
    package var isSound: Bool {
        !isStopped && tables.allSatisfy { $0.refused == 0 && $0.failure == nil }
    }
}
