// SPDX-License-Identifier: Apache-2.0

package import API

/// The key columns of a read or a write, in the key order of one list of entity kinds.
package struct KeyColumns: Sendable {
    private let kinds: [String]
    private let ids: [[String]]

    /// Picks the columns of `kinds`, which may come in any order and beside others.
    ///
    /// - Throws: ``FieldError`` if a kind is missing, is there twice, or the counts differ.
    package init(_ given: [KassaV1.KeyColumn], kinds: [String]) throws(FieldError) {
        guard let rowCount = given.first?.ids.count else {
            throw FieldError(field: "keys", reason: "has no ids of kind \(kinds.first ?? "")")
        }
        guard (1...FeatureLimits.rowsMax).contains(rowCount) else {
            throw FieldError(
                field: "keys", reason: "must have 1 to \(FeatureLimits.rowsMax) ids a kind")
        }
        var ids: [[String]] = []
        for kind in kinds {
            let columns = given.filter { $0.kind == kind }
            guard let column = columns.first else {
                throw FieldError(field: "keys", reason: "has no ids of kind \(kind)")
            }
            guard columns.count == 1 else {
                throw FieldError(field: "keys", reason: "has ids of kind \(kind) twice")
            }
            guard column.ids.count == rowCount else {
                throw FieldError(
                    field: "keys[\(kind)].ids", reason: "must be as many as the other ids")
            }
            ids.append(column.ids)
        }
        self.kinds = kinds
        self.ids = ids
    }

    /// Rows, as many as each kind has ids.
    package var rowCount: Int { ids.first?.count ?? 0 }

    /// Builds the key of a row.
    ///
    /// - Throws: ``FieldError``, naming the kind whose id cannot be.
    package func build(
        _ row: Int, kindsID: UInt16, setID: UInt32, into key: inout RowKey
    ) throws(FieldError) {
        key.start(kindsID: kindsID)
        var place = 0
        do throws(RowKeyError) {
            while place < ids.count {
                try key.append(ids[place][row])
                place += 1
            }
            try key.finish(setID: setID)
        } catch {
            throw FieldError(
                field: "keys[\(kinds[min(place, kinds.count - 1)])]", reason: error.reason)
        }
    }
}
