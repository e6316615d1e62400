// SPDX-License-Identifier: Apache-2.0

/// What a histogram with declared bounds held at one moment.
package struct HistogramSnapshot: Sendable {
    /// The bounds of the buckets.
    package let bounds: BucketBounds
    /// Values in each bucket (not cumulative); the last has no upper bound.
    package private(set) var buckets: [UInt64]
    /// Sum of all values in the bounds' unit.
    package private(set) var sum: UInt64

    /// A snapshot of counts by bucket, as many as `bounds` has, and of the sum in its unit.
    package init(bounds: BucketBounds, buckets: [UInt64], sum: UInt64) {
        precondition(buckets.count == bounds.bucketCount)
        self.bounds = bounds
        self.buckets = buckets
        self.sum = sum
    }

    /// Number of values.
    package var count: UInt64 { buckets.reduce(0, &+) }

    /// Adds the values of `other`, which has the same bounds.
    package mutating func merge(_ other: HistogramSnapshot) {
        precondition(bounds.bounds == other.bounds.bounds)
        precondition(bounds.unitsPerOne == other.bounds.unitsPerOne)
        for index in buckets.indices { buckets[index] &+= other.buckets[index] }
        sum &+= other.sum
    }
}
