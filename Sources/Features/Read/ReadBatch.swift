// SPDX-License-Identifier: Apache-2.0

package import API

/// Collects the rows of a read into the columns of its reply.
///
/// ```swift
/// var batch = ReadBatch(plan, capacity: ids.count)
/// for each entity: batch.append(row, now: now)
/// response.featureSets.append(batch.finish())
/// ```
package struct ReadBatch {
    private let plan: ReadPlan
    private var columns: [ReadColumnBuilder]
    /// Rows whose bytes are not what was written.
    package private(set) var damagedRowCount = 0
    /// Rows in a layout that the plan's set does not know; see ``GatherSummary/unknownLayoutRowCount``.
    package private(set) var unknownLayoutRowCount = 0

    /// A batch without rows yet, with room for `capacity`.
    package init(_ plan: ReadPlan, capacity: Int) {
        self.plan = plan
        columns = plan.places.map {
            ReadColumnBuilder(plan.version.features[$0], capacity: capacity)
        }
    }

    /// Appends an entity: its row, or nil if it has none. `now` is in microseconds.
    package mutating func append(_ row: Span<UInt8>?, now: Int64) {
        guard let row else {
            for index in columns.indices { columns[index].appendMissing(.noEntity, age: -1) }
            return
        }
        do throws(RowDamage) {
            append(try RowView(verifying: row, of: plan.set), now: now)
        } catch {
            switch error {
            case .damaged: damagedRowCount += 1
            case .unknownLayout: unknownLayoutRowCount += 1
            }
            for index in columns.indices { columns[index].appendMissing(.invalid, age: -1) }
        }
    }

    private mutating func append(_ row: borrowing RowView, now: Int64) {
        for index in columns.indices {
            let place = plan.places[index]
            let (status, age) = plan.status(ofPlace: place, in: row, now: now)
            if status.hasValue {
                columns[index].append(
                    row, column: Int(plan.version.columnIDs[place]), status, age: age)
            } else {
                columns[index].appendMissing(status, age: age)
            }
        }
    }

    /// Bytes that the rows so far have in a reply, at the least. O(columns).
    package var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

    /// The columns as the API has them.
    package consuming func finish() -> KassaV1.FeatureSetValues {
        KassaV1.FeatureSetValues(
            featureSet: "\(plan.set.name)@\(plan.version.number)",
            columns: columns.map { $0.column })
    }
}
