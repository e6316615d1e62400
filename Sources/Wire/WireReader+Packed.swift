// SPDX-License-Identifier: Apache-2.0

/// Repeated scalars, packed: each verb appends the values of one run.
extension WireReader {
    /// Appends packed `uint64` values.
    package mutating func packed(uint64 values: inout [UInt64]) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.uint64()) }
    }

    /// Appends packed `uint32` values.
    package mutating func packed(uint32 values: inout [UInt32]) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.uint32()) }
    }

    /// Appends packed `int64` values.
    package mutating func packed(int64 values: inout [Int64]) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.int64()) }
    }

    /// Appends packed `int32` values.
    package mutating func packed(int32 values: inout [Int32]) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.int32()) }
    }

    /// Appends packed `sint64` values.
    package mutating func packed(sint64 values: inout [Int64]) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.sint64()) }
    }

    /// Appends packed `sint32` values.
    package mutating func packed(sint32 values: inout [Int32]) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.sint32()) }
    }

    /// Appends packed `bool` values.
    package mutating func packed(bool values: inout [Bool]) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.bool()) }
    }

    /// Appends packed enum values.
    @inlinable
    package mutating func packed<Value: WireEnum>(
        enumeration values: inout [Value]
    ) throws(WireError) {
        var run = try packed()
        while !run.isAtEnd { values.append(try run.enumeration()) }
    }

    /// Appends packed `float` values.
    package mutating func packed(float values: inout [Float]) throws(WireError) {
        var run = try packed()
        values.reserveCapacity(values.count + (run.end - run.position) / 4)
        while !run.isAtEnd { values.append(try run.float()) }
    }

    /// Appends packed `double` values.
    package mutating func packed(double values: inout [Double]) throws(WireError) {
        var run = try packed()
        values.reserveCapacity(values.count + (run.end - run.position) / 8)
        while !run.isAtEnd { values.append(try run.double()) }
    }
}
