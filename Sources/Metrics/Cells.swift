// SPDX-License-Identifier: Apache-2.0

public import Synchronization

/// A fixed block of 64-bit cells that one thread writes and any thread reads.
///
/// The block starts on a cache line of its own, so that the blocks of two loops never share one.
/// Reads and writes are relaxed atomics: an increment compiles to plain moves.
@safe @usableFromInline package final class Cells: Sendable {
    /// Number of cells.
    @usableFromInline package let count: Int
    @usableFromInline nonisolated(unsafe) let storage: UnsafeMutablePointer<Atomic<UInt64>>

    /// Bytes that neighbouring writers keep apart; two lines, because lines are fetched in pairs.
    private static let alignment = 128

    /// `count` cells, all 0.
    package init(count: Int) {
        precondition(count > 0)
        self.count = count
        let byteCount = count * MemoryLayout<Atomic<UInt64>>.stride
        let padded = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
        // Safe: the block is large enough, and every cell is initialised before it is used.
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: padded, alignment: Self.alignment)
        let cells = unsafe raw.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        for index in 0..<count {
            unsafe (cells + index).initialize(to: Atomic(0))
        }
        unsafe storage = cells
    }

    deinit {
        // Safe: nothing else refers to the storage, and atomics of integers need no deinitialising.
        unsafe UnsafeMutableRawPointer(storage).deallocate()
    }

    /// Adds `amount` to the cell at `index`; only its writer may.
    @inlinable
    package func add(_ amount: UInt64, at index: Int) {
        precondition(index >= 0 && index < count)
        // Safe: the index was checked.
        unsafe storage[index].store(
            storage[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Sets the cell at `index`; only its writer may.
    @inlinable
    package func set(_ value: UInt64, at index: Int) {
        precondition(index >= 0 && index < count)
        // Safe: the index was checked.
        unsafe storage[index].store(value, ordering: .relaxed)
    }

    /// The value of the cell at `index`, on any thread.
    @inlinable
    package func value(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        // Safe: the index was checked.
        return unsafe storage[index].load(ordering: .relaxed)
    }
}
