// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The processor time that the calling thread has used, by `CLOCK_THREAD_CPUTIME_ID`.
///
/// What work costs however often the thread was interrupted. Reading it is a system call of some 300 ns,
/// so it is for whole turns, not for requests.
package struct ThreadTime: Sendable {
    /// Nanoseconds since the thread began.
    package let nanoseconds: UInt64

    /// Nanoseconds from `earlier` on the same thread to this time.
    package func nanoseconds(since earlier: ThreadTime) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }

    /// The time that the calling thread has used until now.
    package static func now() -> ThreadTime {
        var time = timespec()
        // Safe: the pointer is to a local and does not outlive the call.
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return ThreadTime(
            nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}
