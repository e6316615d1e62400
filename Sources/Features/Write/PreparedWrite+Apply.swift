// SPDX-License-Identifier: Apache-2.0

package import Store

extension PreparedWrite {
    /// Merges a row that is not refused into `stored`; the scratch then holds what to put.
    ///
    /// - Parameter set: the feature set as it is now, which may have versions that this write's had not.
    package func merge(
        row: Int, into stored: Span<UInt8>?, of set: borrowing FeatureSet,
        with scratch: inout RowScratch, sequence: UInt64, erasedUntil: Int64 = .min,
        notAfter: Int64 = .max
    ) -> MergeOutcome {
        let first = row * columns.count
        let cells = first..<first + columns.count
        let patch = RowPatch(
            columns: columns.span, states: states.span.extracting(cells),
            bits: bits.span.extracting(cells), tail: tail.span,
            eventTime: eventTime(row))
        // A write prepared under a newer epoch than the caller's knows columns that `set` does not.
        if set.layouts.count < self.set.layouts.count {
            return scratch.merge(
                patch, into: stored, of: self.set, sequence: sequence, erasedUntil: erasedUntil,
                notAfter: notAfter)
        }
        return scratch.merge(
            patch, into: stored, of: set, sequence: sequence, erasedUntil: erasedUntil,
            notAfter: notAfter)
    }

    /// The event time of a row that is not refused, in microseconds.
    package func eventTime(_ row: Int) -> Int64 {
        times.count == 1 ? times[0] : times[row]
    }

    /// Reads, merges and puts one row that is not refused, and keeps its history.
    ///
    /// - Parameter rowsAreWhole: whether nothing that is in the history can have been swept from the row.
    func apply(
        row: Int, in transaction: inout WriteTransaction, _ tables: WriteTables,
        of set: borrowing FeatureSet, rowsAreWhole: Bool, with scratch: inout RowScratch,
        sequence: UInt64, _ lookup: inout ErasureLookup, _ tally: inout WriteTally
    ) throws(StoreError) {
        let key = key(row)
        guard let erasedUntil = try erasedUntil(key, in: transaction, tables, &lookup) else {
            return tally.refuse(row, "keys", "belong to an entity whose tombstone is damaged")
        }
        let keepsHistory = tables.history != nil && set.historyMilliseconds > 0
        var before: [UInt8]?
        let outcome: MergeOutcome
        if let stored = try transaction.find(key, in: tables.rows) {
            outcome = merge(
                row: row, into: stored, of: set, with: &scratch, sequence: sequence,
                erasedUntil: erasedUntil)
            // Only a late write asks for it.
            if keepsHistory { before = stored.indices.map { stored[$0] } }
        } else {
            outcome = merge(
                row: row, into: nil, of: set, with: &scratch, sequence: sequence,
                erasedUntil: erasedUntil)
        }
        let hasChanged = outcome == .changed || outcome == .replacedDamaged
        if hasChanged {
            try transaction.replaceFound(with: scratch.row, forKey: key, in: tables.rows)
        }
        tally.count(outcome, row: row)
        guard keepsHistory, let history = tables.history, hasChanged || outcome == .unchanged else {
            return
        }
        let isNewest =
            outcome == .changed && rowsAreWhole
            && scratch.row.load(at: 16, as: Int64.self) == eventTime(row)
        var writer = HistoryWriter()
        let isWhole = try writer.note(
            key, time: eventTime(row), isNewest: isNewest, current: before, in: &transaction,
            history, &scratch
        ) { stored, notAfter, scratch in
            merge(
                row: row, into: stored, of: set, with: &scratch, sequence: sequence,
                erasedUntil: erasedUntil, notAfter: notAfter)
        }
        if !isWhole { tally.historyGaps += 1 }
    }

    /// Until when any entity of a key is erased; nil if a tombstone is damaged.
    @inline(__always)
    func erasedUntil(
        _ key: Span<UInt8>, in transaction: borrowing WriteTransaction, _ tables: WriteTables,
        _ lookup: inout ErasureLookup
    ) throws(StoreError) -> Int64? {
        guard let tombstones = tables.tombstones else { return .min }
        return try lookup.erasedUntil(
            key, kinds: version.entityKinds, in: transaction, tombstones)
    }

    /// Applies every row that is not refused, in the order of their keys, and counts.
    ///
    /// All rows change in the caller's one transaction: a reader sees all of them or none.
    package func applyAll(
        in transaction: inout WriteTransaction, _ tables: WriteTables,
        of set: borrowing FeatureSet, with scratch: inout RowScratch, sequence: UInt64
    ) throws(StoreError) -> WriteTally {
        var tally = WriteTally()
        var lookup = ErasureLookup()
        let rowsAreWhole = set.keepsRowsWhole
        for place in 0..<rowCount {
            let row = row(at: place)
            guard !refused[row] else { continue }
            try apply(
                row: row, in: &transaction, tables, of: set, rowsAreWhole: rowsAreWhole,
                with: &scratch, sequence: sequence, &lookup, &tally)
        }
        return tally
    }

    /// The same, for a store that has neither erasures nor a history.
    package func applyAll(
        in transaction: inout WriteTransaction, _ rows: Table, of set: borrowing FeatureSet,
        with scratch: inout RowScratch, sequence: UInt64
    ) throws(StoreError) -> WriteTally {
        try applyAll(
            in: &transaction, WriteTables(rows: rows), of: set, with: &scratch, sequence: sequence)
    }
}
