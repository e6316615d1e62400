// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Synchronization

/// LMDB's side of one read transaction: its handle, its cursors, and who may touch them.
///
/// The word decides. While it says active, they are the reader's; while it says idle, whoever changes
/// it first may take them: the reader to begin a turn, or the writer's thread, which then frees them
/// because LMDB must be closed. A turn costs one compare-and-exchange on a word of the reader's own.
@safe final class ReaderSlot: Sendable {
    /// A cursor that stays open from scan to scan.
    @unsafe struct ScanCursor {
        var handle: OpaquePointer?
        var isInUse = false
    }

    private enum State {
        static let idle: UInt64 = 0
        static let active: UInt64 = 1
        /// LMDB has nothing for this reader any more; it has to begin anew.
        static let detached: UInt64 = 2
        static let mask: UInt64 = 3
        static let turn: UInt64 = 4
    }

    // Safe: both are touched only by whom `word` names.
    nonisolated(unsafe) private(set) var handle: OpaquePointer?
    nonisolated(unsafe) let cursors: UnsafeMutablePointer<ScanCursor>
    private let cursorCount: Int
    /// The state in the two low bits, and above them the number of turns begun.
    private let word = Atomic<UInt64>(State.detached)

    init(cursorCount: Int) {
        self.cursorCount = cursorCount
        unsafe handle = nil
        unsafe cursors = .allocate(capacity: cursorCount)
        unsafe cursors.initialize(repeating: ScanCursor(), count: cursorCount)
    }

    deinit {
        unsafe cursors.deallocate()
    }

    /// Begins a turn; false if the slot is detached.
    func enter() -> Bool {
        let found = word.load(ordering: .relaxed)
        guard found & State.mask == State.idle else { return false }
        return word.compareExchange(
            expected: found, desired: found &+ State.turn | State.active,
            successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
    }

    /// Ends the turn. Only the reader calls it, after ``enter()`` or ``attach(_:)``.
    func leave() {
        let found = word.load(ordering: .relaxed)
        word.store(found & ~State.mask | State.idle, ordering: .releasing)
    }

    /// Takes over the new transaction `begun`, in a turn. The caller holds the environment's lock.
    func attach(_ begun: OpaquePointer) {
        unsafe handle = begun
        let found = word.load(ordering: .relaxed)
        word.store((found & ~State.mask) &+ State.turn | State.active, ordering: .releasing)
    }

    /// Frees what LMDB has for an idle reader; false if it is active. The caller holds the lock.
    func detachIfIdle() -> Bool {
        let found = word.load(ordering: .relaxed)
        switch found & State.mask {
        case State.detached: return true
        case State.active: return false
        default:
            let desired = found & ~State.mask | State.detached
            guard
                word.compareExchange(
                    expected: found, desired: desired,
                    successOrdering: .acquiring, failureOrdering: .relaxed
                ).exchanged
            else { return false }
            free()
            return true
        }
    }

    /// Frees what LMDB has for this reader, which will not be used again. The caller holds the lock.
    func close() {
        let found = word.exchange(State.detached, ordering: .acquiring)
        if found & State.mask != State.detached { free() }
    }

    /// The turn in progress; nil between turns.
    var activeTurn: UInt64? {
        let found = word.load(ordering: .relaxed)
        return found & State.mask == State.active ? found / State.turn : nil
    }

    private func free() {
        // Safe: the word says that nobody else uses them. Cursors of a reader are closed by hand.
        for index in 0..<cursorCount {
            if let cursor = unsafe cursors[index].handle { unsafe mdb_cursor_close(cursor) }
            unsafe cursors[index] = ScanCursor()
        }
        if let handle = unsafe handle { unsafe mdb_txn_abort(handle) }
        unsafe handle = nil
    }
}
