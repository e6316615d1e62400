// SPDX-License-Identifier: Apache-2.0

/// The division of the integers into buckets whose width grows with the value, as HdrHistogram does.
///
/// Values below 64 have a bucket each; above, each power of two is cut into 32 buckets, so that a
/// bucket is at most 1/32 of its values wide. 1,024 buckets reach 2³⁶, which is 68.7 s in
/// nanoseconds; what is larger falls into the last bucket.
package enum LogLinear {
    /// Number of buckets.
    @inlinable package static var bucketCount: Int { 1_024 }
    /// The largest value that has a bucket of its proper width.
    @inlinable package static var valueMax: UInt64 { (1 << 36) - 1 }

    @inlinable static var precisionBits: Int { 5 }

    /// The bucket that holds `value`.
    @inlinable
    package static func index(of value: UInt64) -> Int {
        let value = min(value, valueMax)
        // The shift that leaves six significant bits, of which the first is always 1.
        let shift = max(63 - precisionBits - (value | 1).leadingZeroBitCount, 0)
        return shift << precisionBits + Int(truncatingIfNeeded: value >> UInt64(shift))
    }

    /// The smallest value of the bucket at `index`.
    package static func lowerBound(of index: Int) -> UInt64 {
        precondition(index >= 0 && index < bucketCount)
        guard index >= 64 else { return UInt64(index) }
        let shift = index >> precisionBits - 1
        return UInt64(index - shift << precisionBits) << UInt64(shift)
    }

    /// The largest value of the bucket at `index`.
    package static func upperBound(of index: Int) -> UInt64 {
        index == bucketCount - 1 ? valueMax : lowerBound(of: index + 1) - 1
    }
}
