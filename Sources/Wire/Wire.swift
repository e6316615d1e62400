// SPDX-License-Identifier: Apache-2.0
//
// Wire: protocol buffers as bytes. It knows the encoding, not the messages.
//
// Invariant: it accepts and refuses exactly the bytes that the reference implementation (upb)
// accepts and refuses, and no input can make it trap or read outside its span.
//
// Traps: a `WireReader` borrows its bytes; what must outlive it is a `ByteRange`, relative to the
// whole message. A field whose wire type does not match is an unknown field, so switch on the whole
// tag. A nested message ends where its reader ends. Unknown fields are dropped.
//
// ```swift
// var reader = WireReader(bytes)
// while let tag = try reader.next() {
//     switch tag.rawValue {
//     case WireTag.rawValue(of: 1, .lengthDelimited): name = try reader.text()
//     default: try reader.skip(tag)
//     }
// }
// writer.string(1, "cart")
// ```
