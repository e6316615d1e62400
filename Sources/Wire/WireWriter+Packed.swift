// SPDX-License-Identifier: Apache-2.0

/// Repeated scalars, packed. An empty array writes nothing.
extension WireWriter {
    /// Starts packed values of `byteCount` bytes, which the caller appends, as field 1.
    @inlinable
    package mutating func beginPacked(byteCount: Int) {
        tag(1, .lengthDelimited)
        varint(UInt64(byteCount))
    }

    /// Starts a nested message of nothing but such values.
    @inlinable
    package mutating func beginPacked(in field: UInt32, byteCount: Int) {
        tag(field, .lengthDelimited)
        varint(UInt64(1 + Self.varintByteCount(UInt64(byteCount)) + byteCount))
        beginPacked(byteCount: byteCount)
    }

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
        packed(field, fixed: values)
    }

    /// Writes packed `double` values.
    @inlinable
    package mutating func packed(_ field: UInt32, double values: [Double]) {
        packed(field, fixed: values)
    }

    /// Writes packed `fixed32` values.
    @inlinable
    package mutating func packed(_ field: UInt32, fixed32 values: [UInt32]) {
        packed(field, fixed: values)
    }

    /// Writes packed `fixed64` values.
    @inlinable
    package mutating func packed(_ field: UInt32, fixed64 values: [UInt64]) {
        packed(field, fixed: values)
    }

    /// Writes packed `sfixed32` values.
    @inlinable
    package mutating func packed(_ field: UInt32, sfixed32 values: [Int32]) {
        packed(field, fixed: values)
    }

    /// Writes packed `sfixed64` values.
    @inlinable
    package mutating func packed(_ field: UInt32, sfixed64 values: [Int64]) {
        packed(field, fixed: values)
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

    /// Writes packed numbers as they lie in memory, which is little-endian.
    @inlinable
    mutating func packed<Value: BitwiseCopyable>(_ field: UInt32, fixed values: [Value]) {
        guard !values.isEmpty else { return }
        // Safe: the bytes of a number are all initialised, and lent while the array is.
        unsafe values.withUnsafeBytes { raw in
            let bytes = unsafe Span<UInt8>(_unsafeElements: raw.assumingMemoryBound(to: UInt8.self))
            self.bytes(field, bytes)
        }
    }
}
