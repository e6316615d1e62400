// SPDX-License-Identifier: Apache-2.0

/// The bounds of a load.
package enum LoadingLimits {
    /// Bytes of one record, its line end included.
    package static let recordByteCountMax = 1 << 20
    /// Bytes that are read from the file at once.
    package static let chunkByteCount = 256 << 10
    /// Rows of one batch; what one write takes.
    package static let batchRowsMax = 10_000
    /// Cells (rows times columns) of one batch; what one write takes.
    package static let batchCellsMax = 1_000_000
    /// About how many bytes a batch has when it is closed: one record more stays under 4 MiB.
    package static let batchByteCountMax = 2 << 20
    /// Bytes of memory in which rows are sorted by key.
    package static let sortByteCountMax = 256 << 20
    /// Bytes of an id that rows are sorted by; the store takes none that is longer.
    static let sortedIDByteCountMax = 256
    /// How deep values may be nested in a JSON record.
    package static let nestingMax = 64
    /// Columns of a file.
    package static let columnsMax = 10_000
}
