// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Synchronization

/// The part of an event loop that other threads may use: stop it, wake it, read its counters.
package final class LoopHandle: Sendable {
    /// What a loop was asked to do.
    enum Request: UInt8, AtomicRepresentable {
        case run, drain, stop
    }

    let wakeup: Descriptor
    let request = Atomic<Request>(.run)
    /// Something was posted since the loop last looked.
    let hasMail = Atomic(false)
    /// The loop blocks, or is about to; only then does a post cost a system call.
    let isSleeping = Atomic(false)

    let turnCount = Atomic<UInt64>(0)
    /// Written by the loop only.
    let busyNanosecondsCount = Atomic<UInt64>(0)
    let bytesReceivedCount = Atomic<UInt64>(0)
    let bytesSentCount = Atomic<UInt64>(0)
    let acceptedCount = Atomic<UInt64>(0)
    let refusedCount = Atomic<UInt64>(0)
    let openCount = Atomic<Int>(0)

    init() throws(SocketError) {
        let raw = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard raw >= 0 else { throw .last("eventfd") }
        wakeup = Descriptor(raw)
    }

    /// Turns of the loop so far.
    package var turns: UInt64 { turnCount.load(ordering: .relaxed) }
    /// Time spent in these turns, without polling and sleeping.
    package var busyNanoseconds: UInt64 { busyNanosecondsCount.load(ordering: .relaxed) }
    /// Bytes read from connections so far.
    package var bytesReceived: UInt64 { bytesReceivedCount.load(ordering: .relaxed) }
    /// Bytes written to connections so far.
    package var bytesSent: UInt64 { bytesSentCount.load(ordering: .relaxed) }
    /// Connections accepted so far.
    package var accepted: UInt64 { acceptedCount.load(ordering: .relaxed) }
    /// Connections closed at once, for want of room, so far.
    package var refused: UInt64 { refusedCount.load(ordering: .relaxed) }
    /// Connections open now.
    package var openConnections: Int { openCount.load(ordering: .relaxed) }

    /// Makes `run` return after its turn; open connections are closed.
    package func stop() {
        request.store(.stop, ordering: .sequentiallyConsistent)
        ring()
    }

    /// Stops accepting and lets sessions finish; `run` returns when the last one has gone.
    package func drain() {
        _ = request.compareExchange(
            expected: .run, desired: .drain, ordering: .sequentiallyConsistent)
        ring()
    }

    /// Makes the loop look at its mailboxes and requests.
    func ring() {
        hasMail.store(true, ordering: .sequentiallyConsistent)
        guard isSleeping.load(ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        // Safe: writes eight bytes of a local. A full counter wakes the loop as well.
        _ = unsafe write(wakeup.rawValue, &one, 8)
    }

    /// Empties the wake-up counter.
    func silence() {
        var count: UInt64 = 0
        // Safe: reads eight bytes into a local.
        _ = unsafe read(wakeup.rawValue, &count, 8)
    }
}
