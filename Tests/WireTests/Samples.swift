// SPDX-License-Identifier: Apache-2.0

import Base
import Wire

/// What `body` writes.
func written(_ body: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter(capacity: 16)
    body(&writer)
    var bytes: [UInt8] = []
    for index in 0..<writer.count { bytes.append(writer.bytes[index]) }
    return bytes
}

/// Why `body` fails on `bytes`, or nil if it does not.
func failure(
    _ bytes: [UInt8], _ body: (inout WireReader) throws(WireError) -> Void
) -> WireError? {
    var reader = WireReader(bytes.span)
    do {
        try body(&reader)
        return nil
    } catch {
        return error
    }
}

/// Reads all of `bytes` as fields that nobody knows.
func skipAll(_ bytes: [UInt8]) -> WireError? {
    failure(bytes) { reader throws(WireError) in
        while let tag = try reader.next() { try reader.skip(tag) }
    }
}

/// `value` as a varint of `byteCount` bytes, more of them than it needs.
func varint(_ value: UInt64, byteCount: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for index in 0..<byteCount {
        let group = index < 10 ? UInt8(truncatingIfNeeded: value >> (7 * UInt64(index))) & 0x7f : 0
        bytes.append(index < byteCount - 1 ? group | 0x80 : group)
    }
    return bytes
}

/// A message that can hold itself, one of every scalar type, and a map.
struct Node: WireMessage, Equatable {
    static var protoName: String { "test.Node" }

    var children: [Node] = []
    var name = ""
    var float: Float = 0
    var double: Double = 0
    var fixed32: UInt32 = 0
    var fixed64: UInt64 = 0
    var sfixed32: Int32 = 0
    var sfixed64: Int64 = 0
    var int32: Int32 = 0
    var int64: Int64 = 0
    var sint32: Int32 = 0
    var sint64: Int64 = 0
    var uint32: UInt32 = 0
    var uint64: UInt64 = 0
    var bool = false
    var bytes: [UInt8] = []
    var labels: [String: String] = [:]

    mutating func merge(from reader: inout WireReader) throws(WireError) {
        while let tag = try reader.next() {
            switch (tag.field, tag.type) {
            case (1, .lengthDelimited): children.append(try reader.message())
            case (2, .lengthDelimited): name = try reader.string()
            case (3, .fixed32): float = try reader.float()
            case (4, .fixed64): double = try reader.double()
            case (5, .fixed32): fixed32 = try reader.fixed32()
            case (6, .fixed64): fixed64 = try reader.fixed64()
            case (7, .fixed32): sfixed32 = try reader.sfixed32()
            case (8, .fixed64): sfixed64 = try reader.sfixed64()
            case (9, .varint): int32 = try reader.int32()
            case (10, .varint): int64 = try reader.int64()
            case (11, .varint): sint32 = try reader.sint32()
            case (12, .varint): sint64 = try reader.sint64()
            case (13, .varint): uint32 = try reader.uint32()
            case (14, .varint): uint64 = try reader.uint64()
            case (15, .varint): bool = try reader.bool()
            case (16, .lengthDelimited): bytes = try reader.byteArray()
            case (17, .lengthDelimited): try reader.mapEntry(into: &labels)
            default: try reader.skip(tag)
            }
        }
    }

    func encode(into writer: inout WireWriter) {
        for child in children { writer.message(1, child) }
        writer.string(2, name)
        writer.float(3, float)
        writer.double(4, double)
        writer.fixed32(5, fixed32)
        writer.fixed64(6, fixed64)
        writer.sfixed32(7, sfixed32)
        writer.sfixed64(8, sfixed64)
        writer.int32(9, int32)
        writer.int64(10, int64)
        writer.sint32(11, sint32)
        writer.sint64(12, sint64)
        writer.uint32(13, uint32)
        writer.uint64(14, uint64)
        writer.bool(15, bool)
        writer.bytes(16, bytes)
        writer.map(17, labels)
    }
}
