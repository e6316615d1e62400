// SPDX-License-Identifier: Apache-2.0

package import API

extension RowKey {
    /// Builds the key of the entity that `entities` name, one a kind, in any order and beside others.
    ///
    /// - Throws: ``FieldError``, naming the kind that is missing, or whose id cannot be.
    package mutating func build(
        _ entities: [KassaV1.EntityKey], kinds: [String], kindsID: UInt16, setID: UInt32
    ) throws(FieldError) {
        start(kindsID: kindsID)
        var current = 0
        do throws(RowKeyError) {
            while current < kinds.count {
                guard let entity = entities.firstIndex(where: { $0.kind == kinds[current] }) else {
                    throw RowKeyError.missingKind
                }
                try append(entities[entity].id)
                current += 1
            }
            try finish(setID: setID)
        } catch {
            throw FieldError(
                field: "entities[\(kinds[min(current, kinds.count - 1)])]", reason: error.reason)
        }
    }
}
