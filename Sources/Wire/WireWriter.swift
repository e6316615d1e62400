// SPDX-License-Identifier: Apache-2.0

public import Base

/// Writes the fields of a message into a buffer that it owns and that keeps its storage.
///
/// ```swift
/// var writer = WireWriter()
/// writer.double(1, 0.25)
/// writer.nested(7) { writer in writer.string(1, "cart_value") }
/// send(writer.bytes)
/// writer.removeAll()
/// ```
@usableFromInline
package struct WireWriter: ~Copyable {
    /// Where the bytes go.
    @usableFromInline package var buffer: ByteBuffer

    /// An empty writer with room for `capacity` bytes.
    @inlinable
    package init(capacity: Int = 4_096) {
        buffer = ByteBuffer(capacity: capacity)
    }

    /// The bytes written.
    @inlinable
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { buffer.bytes }
    }

    /// How many bytes are written.
    @inlinable
    package var count: Int { buffer.count }

    /// Forgets all bytes and keeps the storage.
    @inlinable
    package mutating func removeAll() { buffer.removeAll() }

    /// Writes one byte as it is.
    @inlinable
    package mutating func append(_ byte: UInt8) { buffer.append(byte) }

    /// Writes `bytes` as they are.
    @inlinable
    package mutating func append(_ bytes: Span<UInt8>) { buffer.append(bytes) }

    /// Writes a varint.
    @inlinable
    package mutating func varint(_ value: UInt64) {
        guard value >= 0x80 else { return buffer.append(UInt8(truncatingIfNeeded: value)) }
        longVarint(value)
    }

    /// Writes a varint of two bytes or more.
    @usableFromInline
    mutating func longVarint(_ value: UInt64) {
        // Safe: a varint of 64 bits has at most the ten bytes that there is room for.
        unsafe buffer.appendUninitialized(10) { room in
            var rest = value
            var count = 0
            while rest >= 0x80 {
                unsafe room[count] = UInt8(truncatingIfNeeded: rest) | 0x80
                rest >>= 7
                count += 1
            }
            unsafe room[count] = UInt8(truncatingIfNeeded: rest)
            return count + 1
        }
    }

    /// Bytes of a varint.
    @inlinable
    package static func varintByteCount(_ value: UInt64) -> Int {
        (70 - (value | 1).leadingZeroBitCount) / 7
    }

    /// Writes a tag.
    @inlinable
    package mutating func tag(_ field: UInt32, _ type: WireType) {
        varint(UInt64(WireTag.rawValue(of: field, type)))
    }

    /// Writes four little-endian bytes.
    @inlinable
    package mutating func littleEndian(_ value: UInt32) {
        // Safe: the store needs no alignment and stays within the four bytes of room.
        unsafe buffer.appendUninitialized(4) { room in
            unsafe UnsafeMutableRawBufferPointer(room).storeBytes(
                of: value.littleEndian, as: UInt32.self)
            return 4
        }
    }

    /// Writes eight little-endian bytes.
    @inlinable
    package mutating func littleEndian(_ value: UInt64) {
        // Safe: the store needs no alignment and stays within the eight bytes of room.
        unsafe buffer.appendUninitialized(8) { room in
            unsafe UnsafeMutableRawBufferPointer(room).storeBytes(
                of: value.littleEndian, as: UInt64.self)
            return 8
        }
    }
}
