// SPDX-License-Identifier: Apache-2.0
//
// Metrics: what the process counts about itself.
//
// Every cell has one writer (a loop, or the store's writer thread) and any number of readers. The
// writer does a plain load, add and store: no lock, no locked instruction, no allocation, no string.
// A reader takes the cells of all writers at some moment and merges them; a scrape therefore sees
// each cell whole, and cells of one moment only roughly.
//
// Invariant: a cell only grows, unless it is a gauge, which only its writer sets.
// Traps: two writers on one cell lose counts without any sign. A label's values must come from
// configuration or code (methods, scorers, slots), never from an entity: ids have no bound.
//
//     let calls = RPCMetrics(methods: ["kassa.v1.Scoring/Score"])      // one per loop
//     try registry.register(calls)
//     calls.record(method: 0, code: 0, nanoseconds: 84_000)            // on the loop
//     PrometheusText.write(registry.snapshot(), into: &buffer)         // on the admin thread
