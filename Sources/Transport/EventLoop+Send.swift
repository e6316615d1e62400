// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLinux
internal import Synchronization

/// Sending, once per connection and turn.
extension EventLoop {
    /// Sends for every connection that something happened to.
    func flush() {
        var index = 0
        while index < dirty.count {
            let connection = dirty[index]
            index += 1
            connection.isDirty = false
            flush(connection)
        }
        dirty.removeAll(keepingCapacity: true)
        if index > 0 { afterTurn() }
    }

    private func flush(_ connection: Connection) {
        // It may have been closed since something happened to it.
        guard let held = connections[connection.id.slot], held === connection else { return }
        if connection.isFinished { return close(connection) }
        if connection.backlogBytes > 0 { sendBacklog(connection) }
        while connection.backlogBytes == 0, connection.session.wantsProduce {
            output.removeAll()
            connection.session.produce(into: &output, now: now)
            guard output.count > 0 else { break }
            sendOutput(connection)
        }
        if connection.isFinished || (connection.backlogBytes == 0 && connection.session.wantsClose)
        {
            return close(connection)
        }
        updateInterest(connection)
        connection.sessionDeadline = connection.session.nextDeadline
        earliestDeadline = min(earliestDeadline, connection.deadline)
    }

    private func sendOutput(_ connection: Connection) {
        let sent = send(connection, output.bytes)
        guard sent < output.count, !connection.isFinished else { return }
        connection.backlog.append(output.bytes.extracting(droppingFirst: sent))
        connection.stallDeadline = now.advanced(
            byNanoseconds: configuration.writeStallNanosecondsMax)
    }

    private func sendBacklog(_ connection: Connection) {
        let sent = send(
            connection, connection.backlog.bytes.extracting(droppingFirst: connection.backlogSent))
        guard sent > 0 else { return }
        connection.backlogSent += sent
        connection.stallDeadline = now.advanced(
            byNanoseconds: configuration.writeStallNanosecondsMax)
        if connection.backlogBytes == 0 {
            // Gives the memory back: a backlog is the exception.
            connection.backlog = ByteBuffer(capacity: 0)
            connection.backlogSent = 0
            connection.stallDeadline = .distantFuture
        }
    }

    /// Sends what the socket takes; a failure finishes the connection.
    private func send(_ connection: Connection, _ bytes: Span<UInt8>) -> Int {
        // Safe: the bytes live during the call. MSG_NOSIGNAL: a gone peer must not kill us.
        let count = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe CLinux.send(
                connection.socket.rawValue, buffer.baseAddress, buffer.count,
                Int32(MSG_NOSIGNAL))
        }
        if count >= 0 {
            handle.bytesSentCount.wrappingAdd(UInt64(count), ordering: .relaxed)
            return count
        }
        if !isRetryable(kassa_errno()) { connection.isFinished = true }
        return 0
    }

    /// Asks for writability only while bytes wait, and for bytes only while few do.
    private func updateInterest(_ connection: Connection) {
        var interest: UInt32 = 0
        if connection.backlogBytes > 0 { interest |= EPOLLOUT.rawValue }
        if connection.backlogBytes <= configuration.backlogBytesMax { interest |= EPOLLIN.rawValue }
        guard interest != connection.interest else { return }
        connection.interest = interest
        let result = kassa_epoll_control(
            epoll.rawValue, EPOLL_CTL_MOD, connection.socket.rawValue, interest,
            connection.id.rawValue)
        if result != 0 { close(connection) }
    }
}
