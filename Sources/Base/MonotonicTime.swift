// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A moment of the machine's monotonic clock in nanoseconds: for deadlines, timers and latencies.
@usableFromInline package struct MonotonicTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since an arbitrary start.
    @usableFromInline package var nanoseconds: UInt64

    /// The moment that many nanoseconds after the clock's zero.
    @inlinable
    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than any time that comes.
    @inlinable
    package static var distantFuture: MonotonicTime {
        MonotonicTime(nanoseconds: .max)
    }

    /// Whether `left` is the earlier moment.
    @inlinable
    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// This time and `nanoseconds` more; stays at ``distantFuture`` instead of overflowing.
    @inlinable
    package func advanced(byNanoseconds nanoseconds: UInt64) -> MonotonicTime {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return MonotonicTime(nanoseconds: overflow ? .max : sum)
    }

    /// Nanoseconds from `earlier` to this time; 0 if `earlier` is later.
    @inlinable
    package func nanoseconds(since earlier: MonotonicTime) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }

    /// The time now, by `CLOCK_MONOTONIC`.
    package static func now() -> MonotonicTime {
        var time = timespec()
        // Safe: the pointer is to a local and does not outlive the call.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(
            nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}
