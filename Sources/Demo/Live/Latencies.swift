// SPDX-License-Identifier: Apache-2.0

internal import Base

/// How long calls took, each of them kept.
struct Latencies {
    private var nanoseconds: [UInt64] = []

    var count: Int { nanoseconds.count }

    mutating func record(from start: MonotonicTime, to end: MonotonicTime) {
        nanoseconds.append(end.nanoseconds(since: start))
    }

    /// The smallest latency in microseconds that `share` of the calls did not exceed; 0 without any.
    ///
    /// - Complexity: O(n log n).
    func percentile(_ share: Double) -> Double {
        guard !nanoseconds.isEmpty else { return 0 }
        let rank = Int((share * Double(count)).rounded(.up))
        let index = min(max(rank, 1), count) - 1
        return Double(nanoseconds.sorted()[index]) / 1_000
    }
}
