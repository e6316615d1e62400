// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLinux
internal import Synchronization

/// The turn.
extension EventLoop {
    /// Runs on the calling thread until ``LoopHandle/stop()``, or until a drain has finished.
    package func run() {
        var lastActivity = MonotonicTime.now()
        var isDraining = false
        var wasActive = false
        while true {
            switch handle.request.load(ordering: .relaxed) {
            case .run: break
            case .drain:
                if !isDraining { beginDrain() }
                isDraining = true
                if openCount == 0 { return }
            case .stop:
                closeAll()
                return
            }
            let isPolling = now.nanoseconds(since: lastActivity) < configuration.pollNanoseconds
            // The clock that a turn begins with ends the one before, unless the loop sleeps in between.
            if wasActive, !isPolling {
                countBusy(until: MonotonicTime.now())
                wasActive = false
            }
            let eventCount = wait(isPolling: isPolling)
            let woken = MonotonicTime.now()
            if wasActive { countBusy(until: woken) }
            now = woken
            for index in 0..<eventCount {
                // Safe: epoll_wait has filled that many events.
                let event = unsafe events + index
                unsafe handleEvent(kassa_epoll_tag(event), event.pointee.events)
            }
            let hasMail = handle.hasMail.load(ordering: .relaxed)
            if hasMail { collectMail() }
            if earliestDeadline <= now { tickDue() }
            flush()
            wasActive = eventCount > 0 || hasMail
            if wasActive {
                lastActivity = now
                handle.turnCount.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    /// Adds the time since the turn began.
    private func countBusy(until end: MonotonicTime) {
        let busy = handle.busyNanosecondsCount.load(ordering: .relaxed)
        handle.busyNanosecondsCount.store(
            busy &+ end.nanoseconds(since: now), ordering: .relaxed)
    }

    /// Waits for events; returns how many.
    private func wait(isPolling: Bool) -> Int {
        if isPolling { return unsafe max(0, Int(epoll_wait(epoll.rawValue, events, 256, 0))) }
        handle.isSleeping.store(true, ordering: .sequentiallyConsistent)
        var timeout: Int32 = 0
        // Whoever posted before it could see us sleep has left this flag.
        if !handle.hasMail.load(ordering: .sequentiallyConsistent) {
            timeout = timeoutMilliseconds()
        }
        let count = unsafe epoll_wait(epoll.rawValue, events, Int32(Self.eventsMax), timeout)
        handle.isSleeping.store(false, ordering: .sequentiallyConsistent)
        return max(0, Int(count))
    }

    /// Time to the earliest deadline, rounded up; -1 if there is none.
    private func timeoutMilliseconds() -> Int32 {
        guard earliestDeadline != .distantFuture else { return -1 }
        let left = earliestDeadline.nanoseconds(since: MonotonicTime.now())
        return Int32(min((left + 999_999) / 1_000_000, 60_000))
    }

    private func handleEvent(_ tag: UInt64, _ flags: UInt32) {
        switch tag {
        case Self.listenerTag:
            acceptAll()
        case Self.wakeupTag:
            handle.silence()
        default:
            guard let connection = connection(ConnectionID(rawValue: tag)) else { return }
            if flags & EPOLLOUT.rawValue != 0 { markDirty(connection) }
            if flags & ~EPOLLOUT.rawValue != 0 { receive(connection) }
        }
    }

    private func collectMail() {
        handle.hasMail.store(false, ordering: .sequentiallyConsistent)
        for deliver in mailboxes { deliver() }
    }

    /// Reads what has arrived, up to a bound that keeps the turn fair to others.
    private func receive(_ connection: Connection) {
        var total = 0
        repeat {
            // Safe: the buffer belongs to this loop and is not used while a session reads it.
            let count = unsafe recv(
                connection.socket.rawValue, input.baseAddress, input.count, 0)
            if count > 0 {
                total += count
                let bytes = unsafe Span(_unsafeStart: input.baseAddress!, count: count)
                connection.session.receive(bytes, now: now)
                if count < configuration.readBufferBytes { break }
            } else {
                if count == 0 || !isRetryable(kassa_errno()) { connection.isFinished = true }
                break
            }
        } while total < configuration.readBytesPerTurnMax
        handle.bytesReceivedCount.wrappingAdd(UInt64(total), ordering: .relaxed)
        markDirty(connection)
    }

    /// Ticks the sessions whose deadline has passed and finds the earliest that is left.
    private func tickDue() {
        earliestDeadline = .distantFuture
        for slot in connections.indices {
            guard let connection = connections[slot] else { continue }
            if connection.stallDeadline <= now { connection.isFinished = true }
            if connection.sessionDeadline <= now { connection.session.tick(now: now) }
            if connection.deadline <= now {
                markDirty(connection)
            } else {
                earliestDeadline = min(earliestDeadline, connection.deadline)
            }
        }
    }

    /// Stops accepting and tells every session.
    private func beginDrain() {
        if isListening {
            _ = kassa_epoll_control(epoll.rawValue, EPOLL_CTL_DEL, listener.rawValue, 0, 0)
            // Whoever is still in the queue is refused, and so goes elsewhere.
            shutdown(listener.rawValue, Int32(SHUT_RDWR))
            isListening = false
        }
        for slot in connections.indices {
            guard let connection = connections[slot] else { continue }
            connection.session.drain(now: now)
            markDirty(connection)
        }
        flush()
    }

    private func closeAll() {
        for slot in connections.indices {
            if let connection = connections[slot] { close(connection) }
        }
    }
}

/// Whether a socket call may succeed later.
func isRetryable(_ errno: Int32) -> Bool {
    errno == EAGAIN || errno == EINTR
}
