// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Counts of numbers by their power of two: written by one thread, read by any.
package struct Log2Histogram: ~Copyable, Sendable {
    private let buckets: [40 of Atomic<UInt64>]
    private let total = Atomic<UInt64>(0)

    init() {
        buckets = .init { _ in Atomic(0) }
    }

    /// Counts `number`: bucket 0 holds 0, bucket n holds 2^(n-1)..<2^n, the last one all above.
    func record(_ number: UInt64) {
        let bucket = min(UInt64.bitWidth - number.leadingZeroBitCount, 39)
        buckets[bucket].wrappingAdd(1, ordering: .relaxed)
        total.wrappingAdd(number, ordering: .relaxed)
    }

    /// What has been counted so far; not one moment's picture while the writer goes on.
    var snapshot: Log2HistogramSnapshot {
        Log2HistogramSnapshot(
            counts: buckets.indices.map { buckets[$0].load(ordering: .relaxed) },
            total: total.load(ordering: .relaxed))
    }
}

/// The counts of a ``Log2Histogram`` as they were read.
package struct Log2HistogramSnapshot: Hashable, Sendable {
    /// Bucket 0 counts zeros, bucket n counts 2^(n-1)..<2^n, the last one all above.
    package var counts: [UInt64]
    /// The sum of all numbers counted.
    package var total: UInt64

    /// How many numbers were counted.
    package var count: UInt64 { counts.reduce(0, &+) }
}
