// SPDX-License-Identifier: Apache-2.0

extension MutableSpan<UInt8> {
    /// Stores a little-endian integer at `offset`, which need not be aligned.
    @inline(__always)
    mutating func store<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ value: Integer, at offset: Int
    ) {
        // Safe: the store checks its bounds.
        var raw = unsafe mutableBytes
        raw.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Integer.self)
    }
}
