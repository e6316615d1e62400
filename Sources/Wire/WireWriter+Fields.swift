// SPDX-License-Identifier: Apache-2.0

public import Base

/// One verb per proto scalar type. Each writes its field even if the value is the default.
extension WireWriter {
    /// Writes a `uint64` field.
    @inlinable
    package mutating func uint64(_ field: UInt32, _ value: UInt64) {
        tag(field, .varint)
        varint(value)
    }

    /// Writes a `uint32` field.
    @inlinable
    package mutating func uint32(_ field: UInt32, _ value: UInt32) { uint64(field, UInt64(value)) }

    /// Writes an `int64` field.
    @inlinable
    package mutating func int64(_ field: UInt32, _ value: Int64) {
        uint64(field, UInt64(bitPattern: value))
    }

    /// Writes an `int32` field; a negative number takes ten bytes.
    @inlinable
    package mutating func int32(_ field: UInt32, _ value: Int32) { int64(field, Int64(value)) }

    /// Writes a `sint64` field (zigzag).
    @inlinable
    package mutating func sint64(_ field: UInt32, _ value: Int64) {
        uint64(field, Self.zigzag(value))
    }

    /// Writes a `sint32` field (zigzag).
    @inlinable
    package mutating func sint32(_ field: UInt32, _ value: Int32) { sint64(field, Int64(value)) }

    /// Writes a `bool` field.
    @inlinable
    package mutating func bool(_ field: UInt32, _ value: Bool) { uint64(field, value ? 1 : 0) }

    /// Writes an enum field.
    @inlinable
    package mutating func enumeration<Value: WireEnum>(_ field: UInt32, _ value: Value) {
        int32(field, value.rawValue)
    }

    /// Writes a `fixed32` field.
    @inlinable
    package mutating func fixed32(_ field: UInt32, _ value: UInt32) {
        tag(field, .fixed32)
        littleEndian(value)
    }

    /// Writes a `fixed64` field.
    @inlinable
    package mutating func fixed64(_ field: UInt32, _ value: UInt64) {
        tag(field, .fixed64)
        littleEndian(value)
    }

    /// Writes an `sfixed32` field.
    @inlinable
    package mutating func sfixed32(_ field: UInt32, _ value: Int32) {
        fixed32(field, UInt32(bitPattern: value))
    }

    /// Writes an `sfixed64` field.
    @inlinable
    package mutating func sfixed64(_ field: UInt32, _ value: Int64) {
        fixed64(field, UInt64(bitPattern: value))
    }

    /// Writes a `float` field.
    @inlinable
    package mutating func float(_ field: UInt32, _ value: Float) {
        fixed32(field, value.bitPattern)
    }

    /// Writes a `double` field.
    @inlinable
    package mutating func double(_ field: UInt32, _ value: Double) {
        fixed64(field, value.bitPattern)
    }

    /// Writes a `bytes` field, or any other that is length-delimited.
    @inlinable
    package mutating func bytes(_ field: UInt32, _ value: Span<UInt8>) {
        tag(field, .lengthDelimited)
        varint(UInt64(value.count))
        buffer.append(value)
    }

    /// Writes a `bytes` field.
    @inlinable
    package mutating func bytes(_ field: UInt32, _ value: [UInt8]) { bytes(field, value.span) }

    /// Writes a `string` field.
    @inlinable
    package mutating func string(_ field: UInt32, _ value: String) {
        bytes(field, value.utf8Span.span)
    }

    /// What a varint holds of a `sint64`: small for numbers close to zero.
    @inlinable
    package static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: value << 1 ^ value >> 63)
    }
}
