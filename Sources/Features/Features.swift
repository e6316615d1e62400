// SPDX-License-Identifier: Apache-2.0

// Feature sets and their versions, the rows that hold their values, and the way into a model's vector.
//
// A `FeatureSet` (one name, all its versions) owns physical columns; a version lists features, each
// on a column. Versions share columns, so that a new version needs no copy and no backfill; a version that
// nothing reads can be dropped, and columns that only it had die.
// A row holds the columns of one set for one entity, or for several together; `RowScratch` merges writes
// into it, `RowView` reads it in place, `VectorPlan` gathers many of them into the floats of a model.
//
// The invariant: the bytes of a row (but for its sequence and checksum) are a function of the *set* of
// writes that it received, whatever their order, duplication or split into requests. A `Tombstone` takes
// all writes up to a time out of that set, for ever; the history's row at a time is that function of the
// writes up to then.
//
// Traps: a row may be in any older layout, so an offset is only good for the layout that the row names.
// Bytes of a row are never trusted: a damaged one gives status INVALID, not a value and not a trap.
// A feature of a vector is several inputs of a model, so that inputs and features are counted apart.
//
// ```swift
// let change = try catalog.apply(FeatureSetDefinition(spec))             // configuration
// let write = try PreparedWrite(request, to: set, version: version, receivedAt: .now())   // a loop
// let tally = try write.applyAll(                                        // the writer's thread
//     in: &transaction, tables, of: set, with: &scratch, sequence: sequence)
// plan.gather(row, group: 0, now: now, into: &values, &statuses, &ages, &summary)         // a loop
// try batch.append(rowKey, asOf: time, in: transaction, history, with: &key)              // a loop
// switch sweep.visit(key, row, with: &scratch) { ... }                   // the writer's thread, idle
// ```
//
// Folders: `Schema` (sets and versions), `Row` (keys, layout, merge), `Write` (checks, ids), `Read`,
// `Vector`, `Erase` (tombstones, receipts), `History`, `Sweep`.
