// SPDX-License-Identifier: Apache-2.0

/// One pass over the rows that takes out what nobody can read any more: expired rows, rows of dropped
/// versions' keys, and values on columns that no version has.
///
/// A value without I/O: it is shown every row and says what to do. What it says stays right however much
/// later it is done, except for a row that was written meanwhile: so ask within the transaction that acts.
///
/// ```swift
/// var sweep = Sweep(catalog, now: now)
/// switch sweep.visit(key, row, with: &scratch) {
/// case .keep: break
/// case .put: transaction.put(scratch.row, forKey: key, in: rows)
/// case .delete: transaction.delete(key, in: rows)
/// }
/// ```
package struct Sweep: Sendable {
    /// What a pass came to.
    package struct Counts: Hashable, Sendable {
        /// Rows that were shown.
        package var rows = 0
        /// Rows to delete because all is older than the ttl.
        package var expired = 0
        /// Rows to delete because no version reads them.
        package var orphaned = 0
        /// Rows to write again without dead columns.
        package var cleaned = 0
        /// Bytes of rows that go.
        package var freedByteCount = 0
        /// Rows that are damaged, of a newer release, or of a set that is not known: they stay.
        package var unreadable = 0
    }

    /// What the pass came to so far.
    package private(set) var counts = Counts()
    private let sets: [UInt32: FeatureSet]
    /// The longest ttl of what reads a set's rows of a list of kinds, by the numbers of both.
    private let ttls: [UInt64: Int64]
    private let now: Int64

    /// A pass over the rows of all sets of `catalog`; `now` is in microseconds.
    package init(_ catalog: FeatureCatalog, now: Int64) {
        var sets: [UInt32: FeatureSet] = [:]
        var ttls: [UInt64: Int64] = [:]
        for set in catalog.sets.values {
            sets[set.id] = set
            for version in set.liveVersions {
                ttls[Self.reader(set.id, version.kindsID)] = set.longestTTL(
                    kindsID: version.kindsID)
            }
        }
        self.sets = sets
        self.ttls = ttls
        self.now = now
    }

    private static func reader(_ setID: UInt32, _ kindsID: UInt16) -> UInt64 {
        UInt64(setID) << 16 | UInt64(kindsID)
    }

    /// Says what to do about a row, and counts it.
    ///
    /// - Complexity: O(bytes of the row); allocates nothing once the scratch is warm.
    package mutating func visit(
        _ key: Span<UInt8>, _ row: Span<UInt8>, with scratch: inout RowScratch
    ) -> SweepVerdict {
        counts.rows += 1
        guard let view = RowKeyView(key), let set = sets[view.setID] else {
            counts.unreadable += 1
            return .keep
        }
        guard let ttl = ttls[Self.reader(view.setID, view.kindsID)] else {
            counts.orphaned += 1
            counts.freedByteCount += row.count
            return .delete
        }
        if FeatureSet.isExpired(row, ttl: ttl, now: now) {
            counts.expired += 1
            counts.freedByteCount += row.count
            return .delete
        }
        switch scratch.clean(row, of: set) {
        case .unchanged, .tooLarge:
            return .keep
        case .changed(let freed):
            counts.cleaned += 1
            counts.freedByteCount += freed
            return .put
        case .empty(let freed):
            counts.orphaned += 1
            counts.freedByteCount += freed
            return .delete
        case .damaged, .unknownLayout:
            counts.unreadable += 1
            return .keep
        }
    }
}
