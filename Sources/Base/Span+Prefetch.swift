// SPDX-License-Identifier: Apache-2.0

internal import CBase

extension Span<UInt8> {
    /// Asks the processor to bring the first 256 bytes near, for a reader who comes a little later.
    package func prefetch() {
        // Safe: a prefetch reads nothing, and never faults.
        unsafe withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { unsafe kassa_prefetch(start, bytes.count) }
        }
    }
}
