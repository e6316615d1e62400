// SPDX-License-Identifier: Apache-2.0

public import Synchronization

/// A bounded queue from one thread to one other: neither ever waits, locks or allocates.
///
/// A loop puts fixed-size records in, another thread takes them out in slices. A full ring refuses, and
/// counts what it refused: the producer has better things to do than to wait for its observer.
///
/// Two indices only grow (Lamport 1983): the producer publishes a record by storing `tail` with release,
/// the consumer gives its place back by storing `head` with release. Each has a cache line of its own.
/// "One thread" means one at a time, handed over with a lock or a join between.
///
/// ```swift
/// let ring = SPSCRing<Event>(capacity: 1_024)
/// ring.push(event)                            // on the loop; false if it was full
/// ring.drain(max: 256) { event in ... }       // on the consumer
/// ```
@safe @usableFromInline
package final class SPSCRing<Element: BitwiseCopyable & Sendable>: Sendable {
    /// Records that it holds at most.
    @usableFromInline package let capacity: Int
    // Safe: a place is written by the producer before its index is published, and read by the consumer
    // after that; the indices say whose it is.
    @usableFromInline nonisolated(unsafe) let places: UnsafeMutablePointer<Element>
    // Safe: three atomics, each in a pair of cache lines of its own.
    @usableFromInline nonisolated(unsafe) let indices: UnsafeMutablePointer<Atomic<UInt64>>

    @usableFromInline static var head: Int { 0 }
    @usableFromInline static var tail: Int { 16 }
    @usableFromInline static var refused: Int { 17 }
    private static var indexCount: Int { 32 }

    /// A ring for `capacity` records, a power of two.
    package init(capacity: Int) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0)
        self.capacity = capacity
        unsafe places = .allocate(capacity: capacity)
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: Self.indexCount * MemoryLayout<Atomic<UInt64>>.stride, alignment: 128)
        let atomics = unsafe raw.bindMemory(to: Atomic<UInt64>.self, capacity: Self.indexCount)
        for index in 0..<Self.indexCount { unsafe (atomics + index).initialize(to: Atomic(0)) }
        unsafe indices = atomics
    }

    deinit {
        // Safe: nothing else refers to the storage; neither records nor atomics need deinitialising.
        unsafe places.deallocate()
        unsafe UnsafeMutableRawPointer(indices).deallocate()
    }

    /// Records in it now; an estimate for all but its two threads.
    @inlinable
    package var count: Int {
        let head = unsafe indices[Self.head].load(ordering: .acquiring)
        let tail = unsafe indices[Self.tail].load(ordering: .acquiring)
        return Int(truncatingIfNeeded: tail &- head)
    }

    /// Records that ``push(_:)`` refused, on any thread.
    @inlinable
    package var refusedCount: UInt64 {
        unsafe indices[Self.refused].load(ordering: .relaxed)
    }

    /// Puts `element` in, on the producer's thread; false and counted if the ring is full.
    ///
    /// - Complexity: O(1): two loads, one copy, one store.
    @inlinable
    @discardableResult
    package func push(_ element: Element) -> Bool {
        let tail = unsafe indices[Self.tail].load(ordering: .relaxed)
        let head = unsafe indices[Self.head].load(ordering: .acquiring)
        guard tail &- head < UInt64(capacity) else {
            let refused = unsafe indices[Self.refused].load(ordering: .relaxed)
            unsafe indices[Self.refused].store(refused &+ 1, ordering: .relaxed)
            return false
        }
        let place = Int(truncatingIfNeeded: tail & UInt64(capacity - 1))
        unsafe (places + place).initialize(to: element)
        unsafe indices[Self.tail].store(tail &+ 1, ordering: .releasing)
        return true
    }

    /// Takes up to `limit` records out in their order, on the consumer's thread; returns how many.
    ///
    /// Their places are given back together, after the last.
    @inlinable
    @discardableResult
    package func drain(max limit: Int = .max, _ body: (Element) -> Void) -> Int {
        let head = unsafe indices[Self.head].load(ordering: .relaxed)
        let tail = unsafe indices[Self.tail].load(ordering: .acquiring)
        let taken = min(Int(truncatingIfNeeded: tail &- head), max(limit, 0))
        for offset in 0..<taken {
            let place = Int(
                truncatingIfNeeded: (head &+ UInt64(offset)) & UInt64(capacity - 1))
            body(unsafe places[place])
        }
        unsafe indices[Self.head].store(head &+ UInt64(taken), ordering: .releasing)
        return taken
    }
}
