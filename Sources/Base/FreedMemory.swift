// SPDX-License-Identifier: Apache-2.0

internal import CBase

/// What malloc does with memory that is freed.
package enum FreedMemory {
    /// Blocks that are longer are given back to the system at once.
    private static let blockByteCountMax: Int32 = 16 << 20
    /// Freed bytes at the end of a heap that are kept.
    private static let keptByteCountMax: Int32 = 64 << 20

    /// Keeps what is freed for the next request, instead of giving it back to the system, which clears it
    /// page by page when it is asked for again: of a large write that takes longer than the writing.
    ///
    /// For a process, at its start. `mallopt`.
    package static func keep() {
        kassa_keep_freed_memory(blockByteCountMax, keptByteCountMax)
    }
}
