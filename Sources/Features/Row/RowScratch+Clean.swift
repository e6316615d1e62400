// SPDX-License-Identifier: Apache-2.0

internal import Base

extension RowScratch {
    /// Takes out of a row what must not or need not be there: values on columns that no version has any
    /// more, and values that were erased.
    ///
    /// For the sweep in the background, for restores and for erasures. What a version reads stays, to the
    /// bit, and so does the sequence: two cleanings equal one, and a merge may come before or after.
    ///
    /// - Parameter erasedUntil: values with an event time up to this one go.
    /// - Complexity: O(bytes of the row).
    package mutating func clean(
        _ stored: Span<UInt8>, of set: borrowing FeatureSet, erasedUntil: Int64 = .min
    ) -> CleanOutcome {
        let layout = set.newestLayout
        unsafe cells.clear(layout.columnCount)
        let counts: UnpackCounts
        let isWasteful: Bool
        let sequence: UInt64
        do throws(RowDamage) {
            let view = try RowView(verifying: stored, of: set)
            sequence = view.sequence
            let old = view.layout
            // An old layout may hold empty slots of columns that died since.
            isWasteful = old.isDead.indices.contains { !old.isDead[$0] && layout.isDead[$0] }
            counts = try unpack(view, into: layout, laterThan: erasedUntil)
        } catch {
            switch error {
            case .damaged: return .damaged
            case .unknownLayout: return .unknownLayout
            }
        }
        let hasLeft = counts.dead + counts.erased > 0
        guard hasLeft || isWasteful || counts.kept == 0 else { return .unchanged }
        guard counts.kept > 0 else { return .empty(freedByteCount: stored.count) }
        guard pack(layout, sequence: sequence, stored: stored, tail: Span<UInt8>()) else {
            return .tooLarge
        }
        let byteCount = packed.bytes.count
        guard hasLeft || byteCount < stored.count else { return .unchanged }
        return .changed(freedByteCount: stored.count - byteCount)
    }
}
