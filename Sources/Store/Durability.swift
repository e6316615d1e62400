// SPDX-License-Identifier: Apache-2.0

/// What an acknowledged write survives.
///
/// System calls, seen with `strace` on 0.9.24: a fast group is `pwrite64`/`writev` of the data pages,
/// `fdatasync`, `pwrite64` of the meta page (MDB_NOMETASYNC). A durable one adds one `fdatasync`
/// (`mdb_env_sync`), as MDB's own SYNC mode adds one by writing the meta page to an O_DSYNC
/// descriptor; but a failure of ours leaves LMDB readable, where a failure of that is MDB_PANIC.
/// The data pages are always synced before the meta page that names them is written: whichever of
/// the two meta pages a power cut leaves, the tree below it is whole.
package enum Durability: UInt8, Comparable, Sendable {
    /// Visible to readers, and safe from a crash of the process. A power cut may lose the last group;
    /// the next group, or 10 ms without one, makes it safe.
    case fast
    /// On disk.
    case durable

    package static func < (left: Durability, right: Durability) -> Bool {
        left.rawValue < right.rawValue
    }
}
