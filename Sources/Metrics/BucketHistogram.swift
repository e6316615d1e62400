// SPDX-License-Identifier: Apache-2.0

/// Histograms with declared bounds, side by side in one block, that one thread records.
///
/// Exact at every bound, 8 bytes a bucket. The number of values of a series is the sum of its
/// buckets, so that count and buckets cannot disagree.
package final class BucketHistogram: Sendable {
    /// The bounds that all series share.
    @usableFromInline package let bounds: BucketBounds
    /// Number of series.
    @usableFromInline package let seriesCount: Int
    @usableFromInline let cells: Cells
    /// Cells of one series: its buckets, then the sum of its values.
    @usableFromInline let stride: Int

    /// `seriesCount` empty histograms.
    package init(bounds: BucketBounds, seriesCount: Int = 1) {
        precondition(seriesCount > 0)
        self.bounds = bounds
        self.seriesCount = seriesCount
        stride = bounds.bucketCount + 1
        cells = Cells(count: seriesCount * stride)
    }

    /// Records a value in the bounds' unit; only the writer may.
    ///
    /// - Complexity: O(1), a few nanoseconds.
    @inlinable
    package func record(_ value: UInt64, series: Int = 0) {
        let start = series * stride
        cells.add(1, at: start + bounds.bucket(of: value))
        cells.add(value, at: start + stride - 1)
    }

    /// The series as it is now, on any thread.
    package func snapshot(series: Int = 0) -> HistogramSnapshot {
        let start = series * stride
        let buckets = (0..<bounds.bucketCount).map { cells.value(at: start + $0) }
        return HistogramSnapshot(
            bounds: bounds, buckets: buckets, sum: cells.value(at: start + stride - 1))
    }
}
