// SPDX-License-Identifier: Apache-2.0

internal import CBase

/// The CRC-32C checksum (Castagnoli) that guards every stored row.
package enum CRC32C {
    /// The checksum of `bytes`, continuing from `previous` (0 to start).
    ///
    /// - Complexity: O(n); 8 bytes an instruction where the processor has one.
    package static func checksum(_ bytes: Span<UInt8>, continuing previous: UInt32 = 0) -> UInt32 {
        guard kassa_has_crc32c() != 0 else {
            return checksumByTable(bytes, continuing: previous)
        }
        // Safe: the pointer is used for `count` bytes, within the closure.
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return previous }
            return ~(unsafe kassa_crc32c(~previous, base, buffer.count))
        }
    }

    /// The same checksum, a byte at a time: for processors without the instruction, and its oracle.
    package static func checksumByTable(
        _ bytes: Span<UInt8>, continuing previous: UInt32 = 0
    ) -> UInt32 {
        var state = ~previous
        for index in bytes.indices {
            state = (state >> 8) ^ table[Int(UInt8(truncatingIfNeeded: state) ^ bytes[index])]
        }
        return ~state
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in
            value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
        }
    }
}
