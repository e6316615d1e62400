// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CLinux

/// One thread's connections: accepts, reads, answers, writes.
@safe package final class EventLoop {
    static let eventsMax = 256
    static let listenerTag = UInt64.max
    static let wakeupTag = UInt64.max - 1

    /// What the loop was told.
    package let configuration: LoopConfiguration
    /// The port that the loop listens on.
    package let port: UInt16
    /// What other threads may use.
    package let handle: LoopHandle

    let makeSession: (ConnectionID) -> (any ByteSession)?
    let epoll: Descriptor
    let listener: Descriptor
    /// Given up for a moment to accept and close when the process has no descriptor left.
    var reserve: Int32
    var isListening = true

    var connections: [Connection?] = []
    var freeSlots: [Int] = []
    var nextGeneration: UInt32 = 1
    var openCount = 0
    var dirty: [Connection] = []
    /// No connection's deadline is earlier.
    var earliestDeadline = MonotonicTime.distantFuture
    var mailboxes: [() -> Void] = []
    var output = ByteBuffer(capacity: 64 << 10)
    let input: UnsafeMutableBufferPointer<UInt8>
    let events: UnsafeMutablePointer<epoll_event>

    /// Called at the end of every turn that sent something, after all of it was sent.
    package var afterTurn: () -> Void = {}

    /// The time of this turn.
    package internal(set) var now = MonotonicTime.now()

    /// Listens at once; `makeSession` is asked for each connection, and refuses it with nil.
    ///
    /// Loops of one process share a port: give the first loop's ``port`` to the others.
    package init(
        _ configuration: LoopConfiguration,
        makeSession: @escaping (ConnectionID) -> (any ByteSession)?
    ) throws(SocketError) {
        self.configuration = configuration
        self.makeSession = makeSession
        let handle = try LoopHandle()
        let listener = try unsafe withSocket(
            host: configuration.host, port: configuration.port,
            flags: Int32(SOCK_NONBLOCK.rawValue)
        ) { socket, address, size throws(SocketError) in
            let raw = socket.rawValue
            _ = kassa_set_option(raw, SOL_SOCKET, SO_REUSEADDR, 1)
            _ = kassa_set_option(raw, SOL_SOCKET, SO_REUSEPORT, 1)
            guard unsafe bind(raw, address, size) == 0 else { throw .last("bind") }
            guard listen(raw, 1_024) == 0 else { throw .last("listen") }
            return socket
        }
        port = try localPort(of: listener)
        let raw = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard raw >= 0 else { throw .last("epoll_create1") }
        let epoll = Descriptor(raw)
        let readable = EPOLLIN.rawValue
        guard
            kassa_epoll_control(
                raw, EPOLL_CTL_ADD, listener.rawValue, readable, Self.listenerTag) == 0,
            kassa_epoll_control(
                raw, EPOLL_CTL_ADD, handle.wakeup.rawValue, readable, Self.wakeupTag) == 0
        else { throw .last("epoll_ctl") }
        self.handle = handle
        self.listener = listener
        self.epoll = epoll
        reserve = Self.openReserve()
        // Safe: freed in deinit, used on this loop only.
        unsafe input = .allocate(capacity: configuration.readBufferBytes)
        unsafe events = .allocate(capacity: Self.eventsMax)
    }

    deinit {
        if reserve >= 0 { CLinux.close(reserve) }
        unsafe input.deallocate()
        unsafe events.deallocate()
    }

    static func openReserve() -> Int32 {
        eventfd(0, Int32(EFD_CLOEXEC))
    }

    /// A queue of messages from other threads, each handed to `deliver` on this loop.
    package func mailbox<Message: Sendable>(
        capacity: Int, deliver: @escaping (Message) -> Void
    ) -> Mailbox<Message> {
        let mailbox = Mailbox<Message>(capacity: capacity, handle: handle)
        var spare: [Message] = []
        spare.reserveCapacity(capacity)
        mailboxes.append {
            mailbox.exchange(&spare)
            for message in spare { deliver(message) }
            spare.removeAll(keepingCapacity: true)
        }
        return mailbox
    }

    /// The session of a connection that is still open.
    package func session(_ id: ConnectionID) -> (any ByteSession)? {
        connection(id)?.session
    }

    /// Makes this turn send what the connection's session has to say.
    package func markDirty(_ id: ConnectionID) {
        if let connection = connection(id) { markDirty(connection) }
    }

    func connection(_ id: ConnectionID) -> Connection? {
        guard id.slot < connections.count, let connection = connections[id.slot],
            connection.id == id
        else { return nil }
        return connection
    }

    func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }
}
