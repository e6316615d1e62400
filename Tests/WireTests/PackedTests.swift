// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

@Suite struct PackedTests {
    /// Writes two runs, reads them into one array, then tries the first run with a byte less.
    private func check<Value: Equatable>(
        _ values: [Value],
        _ write: (inout WireWriter) -> Void,
        _ read: (inout WireReader, inout [Value]) throws(WireError) -> Void
    ) throws {
        let run = written(write)
        let bytes = run + run
        var result: [Value] = []
        var reader = WireReader(bytes.span)
        while try reader.next() != nil { try read(&reader, &result) }
        #expect(result == values + values)
        var cut = run.dropLast()
        cut[1] -= 1
        let error = failure(Array(cut)) { reader throws(WireError) in
            _ = try reader.next()
            var rest: [Value] = []
            try read(&reader, &rest)
        }
        #expect(error == .truncated(field: 1))
    }

    @Test func `runs of every scalar type are joined, and one that ends inside a value is refused`()
        throws
    {
        let unsigned64: [UInt64] = [0, 1, 127, 128, .max]
        let unsigned32: [UInt32] = [0, 1, 127, 128, .max]
        let signed64: [Int64] = [0, -1, 64, .min, .max]
        let signed32: [Int32] = [0, -1, 64, .min, .max]
        try check(unsigned64) { w in
            w.packed(1, uint64: unsigned64)
        } _: { r, v throws(WireError) in
            try r.packed(uint64: &v)
        }
        try check(unsigned32) { w in
            w.packed(1, uint32: unsigned32)
        } _: { r, v throws(WireError) in
            try r.packed(uint32: &v)
        }
        try check(signed64) { w in
            w.packed(1, int64: signed64)
        } _: { r, v throws(WireError) in
            try r.packed(int64: &v)
        }
        try check(signed32) { w in
            w.packed(1, int32: signed32)
        } _: { r, v throws(WireError) in
            try r.packed(int32: &v)
        }
        try check(signed64) { w in
            w.packed(1, sint64: signed64)
        } _: { r, v throws(WireError) in
            try r.packed(sint64: &v)
        }
        try check(signed32) { w in
            w.packed(1, sint32: signed32)
        } _: { r, v throws(WireError) in
            try r.packed(sint32: &v)
        }
        try check(unsigned64) { w in
            w.packed(1, fixed64: unsigned64)
        } _: { r, v throws(WireError) in
            try r.packed(fixed64: &v)
        }
        try check(unsigned32) { w in
            w.packed(1, fixed32: unsigned32)
        } _: { r, v throws(WireError) in
            try r.packed(fixed32: &v)
        }
        try check(signed64) { w in
            w.packed(1, sfixed64: signed64)
        } _: { r, v throws(WireError) in
            try r.packed(sfixed64: &v)
        }
        try check(signed32) { w in
            w.packed(1, sfixed32: signed32)
        } _: { r, v throws(WireError) in
            try r.packed(sfixed32: &v)
        }
        let floats: [Float] = [0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude]
        try check(floats) { w in
            w.packed(1, float: floats)
        } _: { r, v throws(WireError) in
            try r.packed(float: &v)
        }
        let doubles: [Double] = [0, -0.0, 1.5, -.infinity, .leastNonzeroMagnitude]
        try check(doubles) { w in
            w.packed(1, double: doubles)
        } _: { r, v throws(WireError) in
            try r.packed(double: &v)
        }
    }

    @Test func `an empty run is no values`() throws {
        var values: [Float] = [1]
        var reader = WireReader(([0] as [UInt8]).span)
        try reader.packed(float: &values)
        #expect(values == [1])
    }

    @Test func `many small runs are read in linear time`() throws {
        var bytes: [UInt8] = []
        for _ in 0..<100_000 { bytes += [4, 0, 0, 0x80, 0x3f] }
        var values: [Float] = []
        var reader = WireReader(bytes.span)
        var growths = 0
        while !reader.isAtEnd {
            let before = values.capacity
            try reader.packed(float: &values)
            growths += values.capacity == before ? 0 : 1
        }
        #expect(values.count == 100_000)
        #expect(growths < 40)
    }
}
