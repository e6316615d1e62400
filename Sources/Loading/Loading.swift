// SPDX-License-Identifier: Apache-2.0
//
// Loading: files of rows, CSV or JSON Lines, read in constant memory into batches of writes.
//
// `InputFile` gives chunks, `RowReader` cuts them into records and cells, `BatchBuilder` types the
// cells by the feature set's declaration and collects columns; `BatchReader` is the three together.
// Asked to `sort`, it reads the file twice over and gives the records in the order of the store's keys:
// `SortRun` sorts what fits in memory, `RunMerge` merges what was spilled.
//
// Invariant: every record of the file becomes one row of one batch or one reject with its line, its
// field and the reason; none is lost and none counts twice. A batch ends at a file offset from which
// reading can go on.
//
// Traps: a record over `LoadingLimits.recordByteCountMax` ends a CSV load, since behind a missing
// quote no line can be told from a field; of JSON Lines only that line is rejected. A reject names the
// column and never repeats the value.
//
//     let schema = try LoadSchema(spec, options)
//     var reader = try BatchReader("rows.csv", schema)
//     while let batch = try reader.next() { send(batch.request) }
