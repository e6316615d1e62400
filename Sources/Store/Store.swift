// SPDX-License-Identifier: Apache-2.0

// Store: the one Swift face of LMDB 0.9.24.
//
// One `Environment` per data directory and per machine; any number of readers, each on one snapshot;
// one `Writer`, whose OS thread owns every write transaction.
//
// When LMDB gives up (MDB_PANIC) the writer's thread opens it again under the running readers. A snapshot
// is a folder with a manifest of hashes; `verify` looks through every entry in slices.
//
// Invariant: an acknowledged write is there after `kill -9`; one acknowledged as durable is there
// after a power cut. A reader sees whole groups of writes or nothing of them.
//
// Traps: a read transaction that stays active keeps every page freed since from being reused (220 KB
// for each small commit), so `reset()` it at the end of a turn. A write transaction that begins on one
// thread and commits on another hangs LMDB for ever, so none leaves the writer. Values lie 8-aligned
// only where every key and value length of the table is a multiple of 8 (`isEightAligned`).
// Never copy `data.mdb` of a running process, and never open a file that somebody sent.
//
//     let environment = try Environment(at: "kassa-data", tables: [.eightAligned("rows")])
//     let rows = environment.table("rows")
//     let writer = try Writer(environment: environment)
//     try writer.run { (transaction, sequence) throws(StoreError) in
//         try transaction.put(value.span, forKey: key.span, in: rows)
//     }
//     try environment.read { (transaction) throws(StoreError) in
//         try transaction.value(forKey: key.span, in: rows)?.count
//     }
