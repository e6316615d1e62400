// SPDX-License-Identifier: Apache-2.0

/// Repeated scalars, packed: each verb appends the values of one run.
extension WireReader {
    /// Appends packed `uint64` values.
    package mutating func packed(uint64 values: inout [UInt64]) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.uint64()) }
    }

    /// Appends packed `uint32` values.
    package mutating func packed(uint32 values: inout [UInt32]) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.uint32()) }
    }

    /// Appends packed `int64` values.
    package mutating func packed(int64 values: inout [Int64]) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.int64()) }
    }

    /// Appends packed `int32` values.
    package mutating func packed(int32 values: inout [Int32]) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.int32()) }
    }

    /// Appends packed `sint64` values.
    package mutating func packed(sint64 values: inout [Int64]) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.sint64()) }
    }

    /// Appends packed `sint32` values.
    package mutating func packed(sint32 values: inout [Int32]) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.sint32()) }
    }

    /// Appends packed `bool` values.
    package mutating func packed(bool values: inout [Bool]) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.bool()) }
    }

    /// Appends packed enum values.
    @inlinable
    package mutating func packed<Value: WireEnum>(
        enumeration values: inout [Value]
    ) throws(WireError) {
        var run = try packed()
        if values.isEmpty { values.reserveCapacity(run.varintCount) }
        while !run.isAtEnd { values.append(try run.enumeration()) }
    }

    /// Appends packed `float` values.
    package mutating func packed(float values: inout [Float]) throws(WireError) {
        try packed(fixed: &values)
    }

    /// Appends packed `double` values.
    package mutating func packed(double values: inout [Double]) throws(WireError) {
        try packed(fixed: &values)
    }

    /// Appends packed `fixed32` values.
    package mutating func packed(fixed32 values: inout [UInt32]) throws(WireError) {
        try packed(fixed: &values)
    }

    /// Appends packed `fixed64` values.
    package mutating func packed(fixed64 values: inout [UInt64]) throws(WireError) {
        try packed(fixed: &values)
    }

    /// Appends packed `sfixed32` values.
    package mutating func packed(sfixed32 values: inout [Int32]) throws(WireError) {
        try packed(fixed: &values)
    }

    /// Appends packed `sfixed64` values.
    package mutating func packed(sfixed64 values: inout [Int64]) throws(WireError) {
        try packed(fixed: &values)
    }

    /// How many varints are left, if all are whole: the bytes that end one.
    ///
    /// Room is made for a first run only. Making exact room for each of many small runs would copy
    /// the array each time, and a client could choose to send such runs.
    @usableFromInline
    var varintCount: Int {
        var count = 0
        for index in position..<end where bytes[index] < 0x80 { count += 1 }
        return count
    }

    /// Appends packed numbers as they lie in memory, which is little-endian.
    private mutating func packed<Value: FixedWidthNumber>(
        fixed values: inout [Value]
    ) throws(WireError) {
        let run = try span()
        let size = MemoryLayout<Value>.size
        guard run.count % size == 0 else { throw .truncated(field: field) }
        let count = run.count / size
        guard count > 0 else { return }
        // Safe: any bits are a value of a number, and both sides have `run.count` bytes.
        let chunk = unsafe [Value](unsafeUninitializedCapacity: count) { room, written in
            unsafe run.withUnsafeBufferPointer { source in
                unsafe UnsafeMutableRawBufferPointer(room).copyMemory(
                    from: UnsafeRawBufferPointer(source))
            }
            written = count
        }
        if values.isEmpty {
            values = chunk
        } else {
            values.append(contentsOf: chunk)
        }
    }
}

/// A number of which any bits are a value.
private protocol FixedWidthNumber: BitwiseCopyable {}
extension Float: FixedWidthNumber {}
extension Double: FixedWidthNumber {}
extension UInt32: FixedWidthNumber {}
extension UInt64: FixedWidthNumber {}
extension Int32: FixedWidthNumber {}
extension Int64: FixedWidthNumber {}
