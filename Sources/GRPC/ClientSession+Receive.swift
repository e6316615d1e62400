// SPDX-License-Identifier: Apache-2.0

package import Base
internal import CNGHTTP2

/// Bytes in, events out, bytes out.
extension ClientSession {
    /// Takes bytes of the server; false when the connection has failed.
    package func receive(_ bytes: Span<UInt8>) -> Bool {
        guard !isBroken else { return false }
        // Safe: the bytes are valid during the call, and nghttp2 keeps none.
        let taken = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe nghttp2_session_mem_recv(session, buffer.baseAddress, buffer.count)
        }
        if taken < 0 { isBroken = true }
        return !isBroken
    }

    /// The next thing that happened to a call, or nil until more bytes arrive.
    package func nextEvent() -> ClientEvent? {
        if let lent {
            self.lent = nil
            lent.received.compact()
            if lent.isFinished { release(lent) }
        }
        while readyStart < ready.count {
            let id = ready[readyStart]
            guard let call = call(id) else {
                readyStart += 1
                continue
            }
            switch call.received.peek(messageBytesMax: messageBytesMax) {
            case .whole:
                call.received.take()
                call.messageCount += 1
                lent = call
                return .message(call)
            case .refused:
                call.hasStatus = true
                call.status = .internalError
                cancel(id)
                fallthrough
            case .partial:
                readyStart += 1
                call.isQueued = false
                guard call.isClosed else { continue }
                call.settleStatus()
                call.isFinished = true
                lent = call
                return .finished(call)
            }
        }
        ready.removeAll(keepingCapacity: true)
        readyStart = 0
        return nil
    }

    /// The connection is gone: every open call finishes as UNAVAILABLE.
    package func connectionClosed() {
        isBroken = true
        for slot in slots.indices {
            guard let call = slots[slot], !call.isClosed else { continue }
            call.isClosed = true
            call.hasStatus = true
            call.status = .unavailable
            enqueue(call)
        }
    }

    /// Appends frames that wait to be sent, as far as the server's windows allow.
    package func produce(into buffer: inout ByteBuffer) {
        guard !isBroken else { return }
        // Safe: as in the server's `produce`.
        unsafe withUnsafeMutablePointer(to: &buffer) { pointer in
            unsafe output = pointer
            while true {
                var bytes: UnsafePointer<UInt8>?
                let count = unsafe nghttp2_session_mem_send(session, &bytes)
                guard count > 0, let start = unsafe bytes else {
                    if count < 0 { isBroken = true }
                    // A request that is whole now may be what another one waits for.
                    guard !isBroken, let sent = sentBeforeFollower.flatMap({ call($0) }) else {
                        break
                    }
                    sentBeforeFollower = nil
                    letFollow(sent)
                    continue
                }
                unsafe pointer.pointee.append(Span(_unsafeStart: start, count: count))
            }
            unsafe output = nil
        }
    }

    @unsafe func copyRequest(
        of call: ClientCall, header: UnsafePointer<UInt8>, count: Int
    ) -> Int32 {
        // Safe: nghttp2 calls this within `produce`, with a header of 9 bytes.
        unsafe output!.pointee.append(Span(_unsafeStart: header, count: 9))
        let end = call.requestSent + count
        unsafe output!.pointee.append(call.request.bytes.extracting(call.requestSent..<end))
        call.requestSent = end
        if end == call.request.count {
            call.request.removeAll()
            call.requestSent = 0
            if call.follower != nil { sentBeforeFollower = call.id }
        } else if end > max(Call.pooledBytesMax, call.request.count / 2) {
            call.request.removeFirst(end)
            call.requestSent = 0
        }
        return 0
    }

    func dataArrived(_ call: ClientCall, _ bytes: Span<UInt8>) {
        guard !call.isPlain else { return }
        call.received.append(bytes)
        // A unary reply is looked at once, when its trailers are there.
        if !call.isUnary { enqueue(call) }
    }

    func streamClosed(_ call: ClientCall, code: UInt32) {
        call.isClosed = true
        call.resetCode = code
        letFollow(call)
        enqueue(call)
    }

    func enqueue(_ call: ClientCall) {
        guard !call.isQueued else { return }
        call.isQueued = true
        ready.append(call.id)
    }

    func acquireCall(tag: Int, isUnary: Bool, now: MonotonicTime) -> ClientCall {
        openCalls += 1
        let call = freeCalls.popLast() ?? ClientCall()
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = UInt32(slots.count)
            slots.append(nil)
        }
        call.reset(
            id: CallID(slot: slot, generation: nextGeneration), tag: tag, isUnary: isUnary,
            now: now)
        nextGeneration &+= 1
        slots[Int(slot)] = call
        return call
    }

    func release(_ call: ClientCall) {
        let slot = call.id.slot
        guard let held = slots[Int(slot)], held === call else { return }
        slots[Int(slot)] = nil
        freeSlots.append(slot)
        openCalls -= 1
        freeCalls.append(call)
    }
}
