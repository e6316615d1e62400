// SPDX-License-Identifier: Apache-2.0
//
// API: the messages, enums and services of `proto/`, as Swift values.
//
// Everything in `Generated` comes from ProtoGen (`make proto`); a test fails when it is stale. A proto
// package is a namespace: `kassa.v1` is `KassaV1`, `grpc.health.v1` is `HealthV1`.
//
// Traps: enums are open, so a `switch` needs a default. Unknown fields are dropped. Fields of a
// oneof are one optional property. The request path reads and writes messages by hand with the
// numbers in `Field` and uses these structs nowhere, because strings and arrays allocate.
//
// ```swift
// let request = try KassaV1.ReadRequest(decoding: bytes)
// writer.prefixed(KassaV1.WriteResponse(sequence: 7, applied: 100))
// ```
