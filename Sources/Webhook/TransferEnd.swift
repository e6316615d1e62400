// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Synchronization

/// The time at which every transfer is given up: set by one thread, read by libcurl's callback on another.
@safe final class TransferEnd: @unchecked Sendable {
    // Safe: allocated in init, freed in deinit; both sides use it atomically.
    let cell: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        unsafe cell = .allocate(capacity: 1)
        unsafe cell.initialize(to: Atomic(.max))
    }

    deinit {
        unsafe cell.deallocate()
    }

    var time: MonotonicTime {
        MonotonicTime(nanoseconds: unsafe cell.pointee.load(ordering: .acquiring))
    }

    func set(_ time: MonotonicTime) {
        unsafe cell.pointee.store(time.nanoseconds, ordering: .releasing)
    }
}
