// SPDX-License-Identifier: Apache-2.0

package import Store

/// Finds until when the entities of a row are erased; one per writer, used for row after row.
package struct ErasureLookup: ~Copyable {
    private var key = TombstoneKey()

    /// Memory for any key.
    package init() {}

    /// The latest time until which any entity of the row's key is erased; `Int64.min` if none is.
    ///
    /// A tombstone that is damaged, or of a newer release, makes it nil: a write must then be refused, for
    /// it might bring back what was erased.
    ///
    /// - Parameter kinds: the kinds of the key, in key order.
    /// - Complexity: a look-up for each kind.
    package mutating func erasedUntil(
        _ rowKey: Span<UInt8>, kinds: [String], in transaction: borrowing WriteTransaction,
        _ tombstones: Table
    ) throws(StoreError) -> Int64? {
        guard let view = RowKeyView(rowKey) else { return nil }
        var latest = Int64.min
        for place in kinds.indices {
            guard let range = view.idRange(place) else { return nil }
            key.build(kind: kinds[place], id: rowKey.extracting(range))
            guard let stored = try transaction.value(forKey: key.bytes, in: tombstones) else {
                continue
            }
            guard let tombstone = try? Tombstone(stored) else { return nil }
            latest = max(latest, tombstone.erasedUntil)
        }
        return latest
    }
}
