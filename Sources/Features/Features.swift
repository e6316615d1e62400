// SPDX-License-Identifier: Apache-2.0

// Feature sets and their versions, the rows that hold their values, and the way into a model's vector.
//
// A `FeatureSet` (one name, all its versions) owns physical columns; a version lists features, each
// on a column. Versions share columns, so that a new version needs no copy and no backfill.
// A row holds the columns of one set for one entity; `RowScratch` merges writes into it, `RowView`
// reads it in place, `VectorPlan` gathers many of them into the floats of a model.
//
// The invariant: the bytes of a row (but for its sequence and checksum) are a function of the *set* of
// writes that it received, whatever their order, duplication or split into requests.
//
// Traps: a row may be in any older layout, so an offset is only good for the layout that the row names.
// Bytes of a row are never trusted: a damaged one gives status INVALID, not a value and not a trap.
//
// ```swift
// let change = try catalog.apply(FeatureSetDefinition(spec))             // configuration
// let write = try PreparedWrite(request, to: set, version: version, receivedAt: .now())   // a loop
// let tally = try write.applyAll(                                        // the writer's thread
//     in: &transaction, rows, of: set, with: &scratch, sequence: sequence)
// plan.gather(row, group: 0, now: now, into: &values, &statuses, &ages, &summary)         // a loop
// ```
