// SPDX-License-Identifier: Apache-2.0

/// The only unaligned loads of the package.
extension Span<UInt8> {
    /// The four little-endian bytes at `offset`; traps unless they are within the span.
    @inlinable
    package func loadUInt32(at offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset <= count - 4)
        // Safe: the four bytes are within the span, and the load needs no alignment.
        return unsafe withUnsafeBufferPointer { buffer in
            let start = unsafe UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped)
            return unsafe UInt32(
                littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
    }

    /// The eight little-endian bytes at `offset`; traps unless they are within the span.
    @inlinable
    package func loadUInt64(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= count - 8)
        // Safe: the eight bytes are within the span, and the load needs no alignment.
        return unsafe withUnsafeBufferPointer { buffer in
            let start = unsafe UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped)
            return unsafe UInt64(
                littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
    }
}
