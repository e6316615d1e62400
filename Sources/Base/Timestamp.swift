// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A moment of wall-clock time in microseconds since the Unix epoch.
///
/// Used for what happened in the world (event times, audit records). It can step; deadlines and
/// leases use ``MonotonicTime``.
@usableFromInline package struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    @usableFromInline package var microseconds: Int64

    /// The moment that many microseconds after 1970-01-01T00:00:00Z.
    @inlinable
    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Whether `left` is the earlier moment.
    @inlinable
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// The time now, by `CLOCK_REALTIME`.
    package static func now() -> Timestamp {
        var time = timespec()
        // Safe: the pointer is to a local and does not outlive the call.
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
