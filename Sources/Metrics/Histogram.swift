// SPDX-License-Identifier: Apache-2.0

/// The distribution of latencies that one thread records, with quantiles within 1.6 % of the truth.
///
/// Counts up to 2⁶⁴ in 8 KiB (see ``LogLinear``); the largest and smallest values are exact. One
/// thread records, any thread reads or merges into a histogram of its own. For the load generator
/// and for tail latencies inside the process; what Prometheus scrapes is a ``BucketHistogram``.
///
/// ```swift
/// let latencies = Histogram()
/// latencies.record(nanoseconds: done.nanoseconds(since: start))
/// print(latencies.quantile(0.999))
/// ```
package final class Histogram: Sendable {
    @usableFromInline let cells = Cells(count: LogLinear.bucketCount + 3)

    @inlinable static var sumCell: Int { LogLinear.bucketCount }
    @inlinable static var largestCell: Int { LogLinear.bucketCount + 1 }
    /// Holds the complement of the smallest value, so that 0 means none.
    @inlinable static var smallestCell: Int { LogLinear.bucketCount + 2 }

    /// A histogram without values.
    package init() {}

    /// Records one value, or the same value `count` times.
    ///
    /// - Complexity: O(1), a few nanoseconds.
    @inlinable
    package func record(nanoseconds value: UInt64, count: UInt64 = 1) {
        guard count > 0 else { return }
        cells.add(count, at: LogLinear.index(of: value))
        cells.add(value &* count, at: Self.sumCell)
        if value > cells.value(at: Self.largestCell) { cells.set(value, at: Self.largestCell) }
        if ~value > cells.value(at: Self.smallestCell) { cells.set(~value, at: Self.smallestCell) }
    }

    /// Adds everything that `other` holds.
    package func merge(_ other: Histogram) {
        for index in 0...LogLinear.bucketCount {
            let count = other.cells.value(at: index)
            if count > 0 { cells.add(count, at: index) }
        }
        for index in [Self.largestCell, Self.smallestCell] {
            let extreme = Swift.max(cells.value(at: index), other.cells.value(at: index))
            cells.set(extreme, at: index)
        }
    }

    /// Forgets everything; only the writer may.
    package func reset() {
        for index in 0..<cells.count { cells.set(0, at: index) }
    }

    /// Number of values recorded.
    package var count: UInt64 {
        (0..<LogLinear.bucketCount).reduce(0) { $0 &+ cells.value(at: $1) }
    }

    /// The largest value in nanoseconds, exactly; 0 if there is none.
    package var max: UInt64 { cells.value(at: Self.largestCell) }

    /// The smallest value in nanoseconds, exactly; 0 if there is none.
    package var min: UInt64 { count == 0 ? 0 : ~cells.value(at: Self.smallestCell) }

    /// The mean in nanoseconds; 0 if there is no value.
    package var mean: Double {
        let count = count
        return count == 0 ? 0 : Double(cells.value(at: Self.sumCell)) / Double(count)
    }

    /// The value in nanoseconds that the fraction `fraction` of all values does not exceed.
    ///
    /// The value of nearest rank: the middle of its bucket, kept between ``min`` and ``max``. 0 if
    /// there is no value.
    ///
    /// - Parameter fraction: 0 to 1; what lies outside is taken as the nearer end.
    /// - Complexity: O(buckets).
    package func quantile(_ fraction: Double) -> UInt64 {
        let total = count
        guard total > 0 else { return 0 }
        let clamped = fraction > 0 ? Swift.min(fraction, 1) : 0
        // Rounding may carry a rank past the end for totals above 2⁵³; the loop's end covers it.
        let rank = Swift.max((clamped * Double(total)).rounded(.up), 1)
        if rank >= Double(total) { return max }
        var seen: UInt64 = 0
        for index in 0..<LogLinear.bucketCount {
            seen &+= cells.value(at: index)
            guard Double(seen) >= rank else { continue }
            let lower = LogLinear.lowerBound(of: index)
            let middle = lower + (LogLinear.upperBound(of: index) - lower) / 2
            return Swift.min(Swift.max(middle, min), max)
        }
        return max
    }
}
