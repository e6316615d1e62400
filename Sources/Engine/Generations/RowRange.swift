// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Store

/// The rows of one feature set in one table, visited in pieces.
struct RowRange: Sendable {
    let table: Table
    private let prefix: [UInt8]
    /// What the keys of the set end with, if the table holds other sets too.
    private let suffix: [UInt8]

    /// The rows of `set` in `table`, which `isShared` with other sets or not.
    init(_ table: Table, of set: FeatureSet?, isShared: Bool) {
        self.table = table
        guard isShared, let set else {
            prefix = []
            suffix = []
            return
        }
        let kinds = set.newest.kindsID
        prefix = [UInt8(truncatingIfNeeded: kinds >> 8), UInt8(truncatingIfNeeded: kinds)]
        suffix = (0..<4).map { UInt8(truncatingIfNeeded: set.id >> ((3 - $0) * 8)) }
    }

    /// Calls `body` with rows from behind the key `start` on; returns the last key that was looked at,
    /// or nil when there are no more.
    func visit(
        in transaction: borrowing WriteTransaction, from start: [UInt8]?, takenMax: Int,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Void
    ) throws(StoreError) -> [UInt8]? {
        var piece = Piece(self, start: start, takenMax: takenMax)
        let first = start ?? prefix
        try transaction.scan(table, prefix: prefix.span, from: first.span) { key, value in
            piece.take(key, value, body)
        }
        return piece.next
    }

    /// The same in a snapshot.
    func visit(
        in transaction: borrowing ReadTransaction, from start: [UInt8]?, takenMax: Int,
        _ body: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Void
    ) throws(StoreError) -> [UInt8]? {
        var piece = Piece(self, start: start, takenMax: takenMax)
        let first = start ?? prefix
        try transaction.scan(table, prefix: prefix.span, from: first.span) { key, value in
            piece.take(key, value, body)
        }
        return piece.next
    }

    /// One visit under way.
    private struct Piece {
        let range: RowRange
        let start: [UInt8]?
        let takenMax: Int
        var visited = 0
        var taken = 0
        /// Set when the piece ends before the range does.
        var next: [UInt8]?

        init(_ range: RowRange, start: [UInt8]?, takenMax: Int) {
            self.range = range
            self.start = start
            self.takenMax = takenMax
        }

        /// Whether to go on behind `key`.
        mutating func take(
            _ key: Span<UInt8>, _ value: Span<UInt8>, _ body: (Span<UInt8>, Span<UInt8>) -> Void
        ) -> Bool {
            if let start, visited == 0, key.hasSameBytes(as: start.span) { return true }
            visited += 1
            if range.holds(key) {
                body(key, value)
                taken += 1
            }
            guard visited < EngineLimits.visitedRowsMax, taken < takenMax else {
                next = key.indices.map { key[$0] }
                return false
            }
            return true
        }
    }

    private func holds(_ key: Span<UInt8>) -> Bool {
        guard !suffix.isEmpty else { return true }
        guard key.count >= 4 else { return false }
        return key.extracting(droppingFirst: key.count - 4).hasSameBytes(as: suffix.span)
    }
}
