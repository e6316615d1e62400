// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CNGHTTP2

/// The table of open calls.
extension ServerSession {
    /// A pooled call for a new stream, or nil if too many are open.
    func acquireCall(_ stream: Int32) -> Call? {
        guard openCalls < limits.callsMax else { return nil }
        openCalls += 1
        let call = memory.takeCall()
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = UInt32(slots.count)
            slots.append(nil)
        }
        call.reset(
            id: CallID(slot: slot, generation: nextGeneration), streamID: stream, now: now)
        nextGeneration &+= 1
        call.deadline = now.advanced(byNanoseconds: limits.headersTimeoutNanosecondsMax)
        slots[Int(slot)] = call
        return call
    }

    /// Frees the call's slot; its id finds nothing from now on.
    func release(_ call: Call) {
        let slot = call.id.slot
        guard let held = slots[Int(slot)], held === call else { return }
        receivedBytesHeld -= call.received.count
        pendingReplyBytes -= call.pendingReplyBytes
        slots[Int(slot)] = nil
        freeSlots.append(slot)
        openCalls -= 1
        call.empty()
        memory.keep(call)
    }

    /// Puts the call where `nextEvent` will look at it.
    func enqueue(_ call: Call) {
        guard !call.isQueued, !call.isPaused || call.isClosed || call.refusal != nil else { return }
        call.isQueued = true
        ready.append(call.id)
    }

    /// The next call to look at.
    func dequeue() -> Call? {
        while readyStart < ready.count {
            let id = ready[readyStart]
            readyStart += 1
            if let call = call(id) {
                call.isQueued = false
                return call
            }
        }
        ready.removeAll(keepingCapacity: true)
        readyStart = 0
        return nil
    }
}
