// SPDX-License-Identifier: Apache-2.0

extension Span<UInt8> {
    /// The little-endian integer at `offset`, which need not be aligned.
    ///
    /// Traps out of bounds, as an index does: a caller checks offsets that come from a row.
    @inline(__always)
    func load<Integer: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: Integer.Type = Integer.self
    ) -> Integer {
        // Safe: the load checks its bounds, and every bit pattern is an integer.
        Integer(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }
}
