// SPDX-License-Identifier: Apache-2.0

/// What an acknowledged write survives.
///
/// System calls of a commit, seen with `strace` on LMDB 0.9.24: a fast one is `writev` (or `pwrite64`)
/// of the data pages, `fdatasync`, `pwrite64` of the meta page (MDB_NOMETASYNC). A durable one adds
/// `fdatasync` (`mdb_env_sync`). LMDB's own SYNC mode costs the same, with the meta page written to an
/// O_DSYNC descriptor; but there a failure is MDB_PANIC, which stops reads too, and here it is not.
/// The data pages are always synced before the meta page that names them is written: whichever of
/// the two meta pages a power cut leaves, the tree below it is whole.
package enum Durability: UInt8, Comparable, Sendable {
    /// Visible to readers, and safe from a crash of the process. A power cut may lose the last group;
    /// the next group, or 10 ms without one, makes it safe.
    case fast
    /// On disk.
    case durable

    /// Whether `left` survives less than `right`.
    package static func < (left: Durability, right: Durability) -> Bool {
        left.rawValue < right.rawValue
    }
}
