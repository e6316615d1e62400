// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Wire

/// Where the rows of a read lie in the store, until its reply is encoded from them column by column.
///
/// The memory is used for read after read: nothing is allocated for one that is no larger than those before.
///
/// ```swift
/// rows.start(count: ids.count)
/// for each entity: unsafe rows.place(row, at: entity, now: now)
/// rows.write(plan, from: 0, count: ids.count, upTo: byteCountMax, into: &writer)
/// ```
@safe package struct ReadRows: ~Copyable {
    /// What was found of one entity.
    @safe struct Row {
        enum State: UInt8 {
            case noEntity
            /// There is a row, not yet looked at.
            case found
            /// Damaged, or in a layout that the plan's set does not know.
            case invalid
            /// One event time, every value that is read there, and all of them young.
            case plain
            /// Any other row.
            case mixed
        }

        var state = State.noEntity
        var layoutID: UInt16 = 0
        /// When the row is looked at, in microseconds: now, or some time before.
        var now: Int64 = 0
        /// The age of the latest event time, in microseconds.
        var age: Int64 = -1
        /// The row's bytes.
        var bytes = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    }

    var rows: [Row] = []
    /// What one column says of each row; the ages are in milliseconds.
    var statuses: [UInt8] = []
    var ages: [Int64] = []
    /// The statuses and ages of a reply's columns, encoded, where they are the same for most.
    var shared = WireWriter()
    /// Rows whose bytes are not what was written.
    package private(set) var damagedRowCount = 0
    /// Rows in a layout that the plan's set does not know; see ``GatherSummary/unknownLayoutRowCount``.
    package private(set) var unknownLayoutRowCount = 0

    /// No rows yet.
    package init() {}

    /// Forgets what was counted.
    package mutating func resetCounts() {
        damagedRowCount = 0
        unknownLayoutRowCount = 0
    }

    /// Makes room for `count` rows, and for as many as before.
    package mutating func start(count: Int) {
        if rows.count < count {
            rows.append(contentsOf: repeatElement(Row(), count: count - rows.count))
        }
    }

    /// Notes an entity's row, or that it has none. `now` is in microseconds.
    ///
    /// Unsafe: the bytes must stay where they are until the reply is written; those of a snapshot do while
    /// it is held.
    @unsafe package mutating func place(_ bytes: Span<UInt8>?, at index: Int, now: Int64) {
        guard let bytes else {
            rows[index].state = .noEntity
            return
        }
        // The row is verified when it is written; other rows are looked up meanwhile.
        bytes.prefetch()
        unsafe rows[index] = Row(
            state: .found, now: now, bytes: bytes.withUnsafeBufferPointer { unsafe $0 })
    }

    /// Verifies the row at `index`, unless it was before.
    ///
    /// - Complexity: O(bytes of the row), by the checksum.
    mutating func verify(_ index: Int, of plan: borrowing ReadPlan) {
        guard rows[index].state == .found else { return }
        do throws(RowDamage) {
            // Safe: whoever placed the row keeps its bytes.
            let bytes = unsafe Span(_unsafeElements: rows[index].bytes)
            let row = try RowView(verifying: bytes, in: plan.layouts)
            let age = max(0, rows[index].now &- row.latestTime)
            let isPlain = row.timeCount == 0 && age <= plan.freshMax && plan.hasAll(row)
            rows[index].state = isPlain ? .plain : .mixed
            rows[index].layoutID = row.layout.id
            rows[index].age = age
        } catch {
            switch error {
            case .damaged: damagedRowCount += 1
            case .unknownLayout: unknownLayoutRowCount += 1
            }
            rows[index].state = .invalid
        }
    }
}

extension ReadPlan {
    /// Whether the row has a value in every column that is read.
    @inline(__always)
    fileprivate func hasAll(_ row: borrowing RowView) -> Bool {
        guard masks.count <= row.layout.presenceWordCount else { return false }
        for index in masks.indices where row.presenceWord(index) & masks[index] != masks[index] {
            return false
        }
        return !row.layout.hasDeadColumns || !columns.contains { row.layout.isDead[$0.column] }
    }
}
