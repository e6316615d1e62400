// SPDX-License-Identifier: Apache-2.0

extension Span<UInt8> {
    /// Whether both spans hold the same bytes.
    @inlinable
    package func hasSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
