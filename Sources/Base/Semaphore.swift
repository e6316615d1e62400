// SPDX-License-Identifier: Apache-2.0

internal import CBase
internal import Glibc

/// A count that a thread may wait for (`sem_t`).
@safe package struct Semaphore: ~Copyable, @unchecked Sendable {
    // Safe: allocated in init, freed in deinit; sem_post and sem_wait take calls from any thread.
    private let handle: UnsafeMutablePointer<sem_t>

    /// A count of 0.
    package init() {
        unsafe handle = .allocate(capacity: 1)
        unsafe handle.initialize(to: sem_t())
        unsafe sem_init(handle, 0, 0)
    }

    deinit {
        unsafe sem_destroy(handle)
        unsafe handle.deallocate()
    }

    /// Adds one, and wakes a thread that waits.
    package func signal() {
        unsafe sem_post(handle)
    }

    /// Takes one, waiting until there is one.
    package func wait() {
        while unsafe sem_wait(handle) != 0 && errno == EINTR {}
    }

    /// Takes one, waiting at most so long by the monotonic clock; false if there was none in time.
    package func wait(timeoutNanoseconds: UInt64) -> Bool {
        wait(until: MonotonicTime.now().advanced(byNanoseconds: timeoutNanoseconds))
    }

    /// Takes one, waiting until there is one or until `end`; whether there was one. `sem_clockwait`.
    package func wait(until end: MonotonicTime) -> Bool {
        // The C function knows no time beyond what a signed 64-bit number of nanoseconds holds.
        let nanoseconds = min(end.nanoseconds, UInt64(Int64.max))
        while unsafe kassa_sem_wait_until(handle, nanoseconds) != 0 {
            guard errno == EINTR else { return false }
        }
        return true
    }
}
