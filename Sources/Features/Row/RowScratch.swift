// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The writer's memory for merging writes into rows; one per writer, used for row after row.
///
/// A merge unpacks the stored row into an array per aspect, changes cells, and packs the arrays again.
/// Nothing is allocated once the buffer has met the longest row.
@safe package struct RowScratch: ~Copyable {
    let cells: RowCells
    var packed = ByteBuffer(capacity: 4_096)

    /// Memory for rows of any layout.
    package init() {
        unsafe cells = .allocate()
    }

    deinit {
        unsafe cells.deallocate()
    }

    /// The row that the last merge made, if its outcome was a change.
    package var row: Span<UInt8> {
        @_lifetime(borrow self)
        get { packed.bytes }
    }
}
