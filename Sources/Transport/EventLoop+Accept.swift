// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLinux
internal import Synchronization

/// Connections come and go.
extension EventLoop {
    /// Connections accepted in one turn.
    private static let acceptsMax = 64

    func acceptAll() {
        for _ in 0..<Self.acceptsMax where isListening {
            let raw = kassa_accept(listener.rawValue)
            if raw >= 0 {
                open(Descriptor(raw))
                continue
            }
            switch kassa_errno() {
            case EMFILE, ENFILE: refuseOne()
            case ECONNABORTED, EINTR: continue
            default: return
            }
        }
    }

    /// Out of descriptors: the reserve makes room to accept one connection and close it.
    private func refuseOne() {
        if reserve >= 0 { CLinux.close(reserve) }
        let raw = kassa_accept(listener.rawValue)
        if raw >= 0 { CLinux.close(raw) }
        reserve = Self.openReserve()
        handle.refusedCount.wrappingAdd(1, ordering: .relaxed)
    }

    private func open(_ socket: consuming Descriptor) {
        let slot = freeSlots.last ?? connections.count
        let id = ConnectionID(slot: slot, generation: nextGeneration)
        guard openCount < configuration.connectionsMax, let session = makeSession(id) else {
            handle.refusedCount.wrappingAdd(1, ordering: .relaxed)
            return
        }
        prepare(socket)
        let interest = EPOLLIN.rawValue
        guard
            kassa_epoll_control(
                epoll.rawValue, EPOLL_CTL_ADD, socket.rawValue, interest, id.rawValue) == 0
        else {
            session.closed()
            return
        }
        // The tags of the listener and the wake-up are no id: a generation stays below their top.
        nextGeneration = nextGeneration == UInt32.max - 1 ? 1 : nextGeneration + 1
        let connection = Connection(id: id, socket: socket, session: session, interest: interest)
        if slot == connections.count {
            connections.append(connection)
        } else {
            freeSlots.removeLast()
            connections[slot] = connection
        }
        openCount += 1
        handle.openCount.store(openCount, ordering: .relaxed)
        handle.acceptedCount.wrappingAdd(1, ordering: .relaxed)
        markDirty(connection)
    }

    /// No delay for small writes, and probes that find a silent peer gone within 40 s.
    private func prepare(_ socket: borrowing Descriptor) {
        let tcp = Int32(IPPROTO_TCP)
        _ = kassa_set_option(socket.rawValue, tcp, TCP_NODELAY, 1)
        _ = kassa_set_option(socket.rawValue, SOL_SOCKET, SO_KEEPALIVE, 1)
        _ = kassa_set_option(socket.rawValue, tcp, TCP_KEEPIDLE, 20)
        _ = kassa_set_option(socket.rawValue, tcp, TCP_KEEPINTVL, 5)
        _ = kassa_set_option(socket.rawValue, tcp, TCP_KEEPCNT, 4)
    }

    /// Forgets the connection; its socket closes with it.
    func close(_ connection: Connection) {
        let slot = connection.id.slot
        guard let held = connections[slot], held === connection else { return }
        _ = kassa_epoll_control(
            epoll.rawValue, EPOLL_CTL_DEL, connection.socket.rawValue, 0, 0)
        connections[slot] = nil
        freeSlots.append(slot)
        openCount -= 1
        handle.openCount.store(openCount, ordering: .relaxed)
        connection.session.closed()
    }
}
