// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Repeated scalars, packed. An empty array writes nothing.
extension WireWriter {
    /// Writes packed `uint64` values.
    @inlinable
    package mutating func packed(_ field: UInt32, uint64 values: [UInt64]) {
        packed(field, values) { $0 }
    }

    /// Writes packed `uint32` values.
    @inlinable
    package mutating func packed(_ field: UInt32, uint32 values: [UInt32]) {
        packed(field, values) { UInt64($0) }
    }

    /// Writes packed `int64` values.
    @inlinable
    package mutating func packed(_ field: UInt32, int64 values: [Int64]) {
        packed(field, values) { UInt64(bitPattern: $0) }
    }

    /// Writes packed `int32` values.
    @inlinable
    package mutating func packed(_ field: UInt32, int32 values: [Int32]) {
        packed(field, values) { UInt64(bitPattern: Int64($0)) }
    }

    /// Writes packed `sint64` values.
    @inlinable
    package mutating func packed(_ field: UInt32, sint64 values: [Int64]) {
        packed(field, values) { Self.zigzag($0) }
    }

    /// Writes packed `sint32` values.
    @inlinable
    package mutating func packed(_ field: UInt32, sint32 values: [Int32]) {
        packed(field, values) { Self.zigzag(Int64($0)) }
    }

    /// Writes packed `bool` values.
    @inlinable
    package mutating func packed(_ field: UInt32, bool values: [Bool]) {
        packed(field, values) { $0 ? 1 : 0 }
    }

    /// Writes packed enum values.
    @inlinable
    package mutating func packed<Value: WireEnum>(_ field: UInt32, enumeration values: [Value]) {
        packed(field, values) { UInt64(bitPattern: Int64($0.rawValue)) }
    }

    /// Writes packed `float` values.
    @inlinable
    package mutating func packed(_ field: UInt32, float values: [Float]) {
        guard beginPacked(field, byteCount: values.count * 4) else { return }
        for value in values { littleEndian(value.bitPattern) }
    }

    /// Writes packed `double` values.
    @inlinable
    package mutating func packed(_ field: UInt32, double values: [Double]) {
        guard beginPacked(field, byteCount: values.count * 8) else { return }
        for value in values { littleEndian(value.bitPattern) }
    }

    /// Writes packed values, each as the varint that `convert` makes of it.
    @inlinable
    mutating func packed<Value>(
        _ field: UInt32, _ values: [Value], _ convert: (Value) -> UInt64
    ) {
        guard !values.isEmpty else { return }
        let start = begin(field)
        for value in values { varint(convert(value)) }
        end(start)
    }

    /// Writes the tag and length of a field of `byteCount` bytes; false if there are none.
    @inlinable
    mutating func beginPacked(_ field: UInt32, byteCount: Int) -> Bool {
        guard byteCount > 0 else { return false }
        tag(field, .lengthDelimited)
        varint(UInt64(byteCount))
        buffer.reserve(byteCount)
        return true
    }
}
