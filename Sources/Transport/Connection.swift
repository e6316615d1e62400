// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLinux

/// One accepted connection of an event loop.
final class Connection {
    let id: ConnectionID
    let socket: Descriptor
    let session: any ByteSession
    /// Bytes that the socket did not take.
    var backlog = ByteBuffer(capacity: 0)
    var backlogSent = 0
    /// When a peer that takes nothing is given up.
    var stallDeadline = MonotonicTime.distantFuture
    /// When the session wants a tick.
    var sessionDeadline = MonotonicTime.distantFuture
    /// The epoll events asked for.
    var interest: UInt32
    var isDirty = false
    /// The peer has closed its side or the socket has failed.
    var isFinished = false

    init(id: ConnectionID, socket: consuming Descriptor, session: any ByteSession, interest: UInt32)
    {
        self.id = id
        self.socket = socket
        self.session = session
        self.interest = interest
    }

    var backlogBytes: Int { backlog.count - backlogSent }

    var deadline: MonotonicTime { min(stallDeadline, sessionDeadline) }
}
