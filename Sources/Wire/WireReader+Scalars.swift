// SPDX-License-Identifier: Apache-2.0

/// One verb per proto scalar type. Varints that are too wide for their type lose their upper bits.
extension WireReader {
    /// Reads a `uint64`.
    @inlinable
    package mutating func uint64() throws(WireError) -> UInt64 { try varint() }

    /// Reads a `uint32`.
    @inlinable
    package mutating func uint32() throws(WireError) -> UInt32 {
        UInt32(truncatingIfNeeded: try varint())
    }

    /// Reads an `int64`.
    @inlinable
    package mutating func int64() throws(WireError) -> Int64 {
        Int64(truncatingIfNeeded: try varint())
    }

    /// Reads an `int32`, or the number of an enum's value.
    @inlinable
    package mutating func int32() throws(WireError) -> Int32 {
        Int32(truncatingIfNeeded: try varint())
    }

    /// Reads a `sint64` (zigzag).
    @inlinable
    package mutating func sint64() throws(WireError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Reads a `sint32` (zigzag).
    @inlinable
    package mutating func sint32() throws(WireError) -> Int32 {
        let value = try uint32()
        return Int32(bitPattern: value >> 1) ^ -Int32(bitPattern: value & 1)
    }

    /// Reads a `bool`: any value but 0 is true.
    @inlinable
    package mutating func bool() throws(WireError) -> Bool { try varint() != 0 }

    /// Reads an enum's value, known or not.
    @inlinable
    package mutating func enumeration<Value: WireEnum>(
        _ type: Value.Type = Value.self
    ) throws(WireError) -> Value {
        Value(rawValue: try int32())
    }

    /// Reads a `fixed32`.
    @inlinable
    package mutating func fixed32() throws(WireError) -> UInt32 {
        guard end - position >= 4 else { throw .truncated(field: field) }
        let value = bytes.loadUInt32(at: position)
        position += 4
        return value
    }

    /// Reads a `fixed64`.
    @inlinable
    package mutating func fixed64() throws(WireError) -> UInt64 {
        guard end - position >= 8 else { throw .truncated(field: field) }
        let value = bytes.loadUInt64(at: position)
        position += 8
        return value
    }

    /// Reads an `sfixed32`.
    @inlinable
    package mutating func sfixed32() throws(WireError) -> Int32 { Int32(bitPattern: try fixed32()) }

    /// Reads an `sfixed64`.
    @inlinable
    package mutating func sfixed64() throws(WireError) -> Int64 { Int64(bitPattern: try fixed64()) }

    /// Reads a `float`.
    @inlinable
    package mutating func float() throws(WireError) -> Float { Float(bitPattern: try fixed32()) }

    /// Reads a `double`.
    @inlinable
    package mutating func double() throws(WireError) -> Double { Double(bitPattern: try fixed64()) }
}
