// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Counts events in fixed windows of time and says when a window holds too many.
struct RateLimit {
    let countMax: Int
    let windowNanoseconds: UInt64
    private var windowStart = MonotonicTime(nanoseconds: 0)
    private var count = 0

    init(countMax: Int, windowNanoseconds: UInt64) {
        self.countMax = countMax
        self.windowNanoseconds = windowNanoseconds
    }

    /// Counts one event; false once the window that holds `now` has more than `countMax`.
    mutating func allowsOneMore(now: MonotonicTime) -> Bool {
        if now.nanoseconds(since: windowStart) >= windowNanoseconds {
            windowStart = now
            count = 0
        }
        count += 1
        return count <= countMax
    }
}
