// SPDX-License-Identifier: Apache-2.0

/// The declared upper bounds (`le`) of a Prometheus histogram, with a constant-time search.
///
/// Bounds and values are integers of a small unit (nanoseconds, records); ``unitsPerOne`` says how
/// many of them make one of the exported base unit. A value equal to a bound belongs to that bound.
package final class BucketBounds: Sendable {
    /// The upper bounds, ascending; one more bucket above them has no bound.
    package let bounds: [UInt64]
    /// Recorded units in one exported unit: 10⁹ for nanoseconds exported as seconds.
    package let unitsPerOne: Double

    /// Buckets, with the one above all bounds.
    @usableFromInline package let bucketCount: Int
    /// The bounds, and behind them one that no value exceeds.
    @usableFromInline let limits: Cells
    /// Of each ``LogLinear`` bucket: the first bound that can hold a value of it.
    @usableFromInline let starts: Cells

    /// - Parameter bounds: ascending, without repetition.
    package init(bounds: [UInt64], unitsPerOne: Double) {
        precondition(!bounds.isEmpty)
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
        precondition(unitsPerOne > 0)
        self.bounds = bounds
        self.unitsPerOne = unitsPerOne
        bucketCount = bounds.count + 1
        limits = Cells(count: bucketCount)
        for (index, bound) in bounds.enumerated() { limits.set(bound, at: index) }
        limits.set(.max, at: bounds.count)
        starts = Cells(count: LogLinear.bucketCount)
        for index in 0..<LogLinear.bucketCount {
            let lower = LogLinear.lowerBound(of: index)
            let start = bounds.firstIndex { $0 >= lower } ?? bounds.count
            starts.set(UInt64(start), at: index)
        }
    }

    /// The bucket that holds `value`: the first whose bound is not below it.
    @inlinable
    package func bucket(of value: UInt64) -> Int {
        var bucket = Int(truncatingIfNeeded: starts.value(at: LogLinear.index(of: value)))
        while value > limits.value(at: bucket) { bucket += 1 }
        return bucket
    }

    /// Latencies in nanoseconds, from 25 µs to 10 s, exported as seconds.
    package static let latency = BucketBounds(
        bounds: [
            25_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 500_000, 750_000,
            1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
            250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
        ],
        unitsPerOne: 1e9)

    /// Ages in microseconds, from a tenth of a second to a month, exported as seconds.
    package static let age = BucketBounds(
        bounds: [
            100_000, 1_000_000, 10_000_000, 60_000_000, 300_000_000, 900_000_000, 3_600_000_000,
            21_600_000_000, 86_400_000_000, 604_800_000_000, 2_592_000_000_000,
        ],
        unitsPerOne: 1e6)

    /// Sizes of groups and batches, from 1 to 4,096 (the largest group commit).
    package static let groupSize = BucketBounds(
        bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096],
        unitsPerOne: 1)
}
