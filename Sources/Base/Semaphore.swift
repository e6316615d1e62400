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

    /// Takes one, waiting until there is one or until `end`; whether there was one. `sem_clockwait`.
    package func wait(until end: MonotonicTime) -> Bool {
        // The C function knows no time beyond what a signed 64-bit number of nanoseconds holds.
        let nanoseconds = min(end.nanoseconds, UInt64(Int64.max))
        return unsafe kassa_semaphore_wait(handle, nanoseconds) != 0
    }
}
