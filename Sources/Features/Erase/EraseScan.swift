// SPDX-License-Identifier: Apache-2.0

package import API

/// Where rows of an entity that is to be erased lie, in the tables of rows and of their history.
///
/// Scan for keys that begin with `prefix`; those that ``matches(_:)`` are the entity's. Where the entity is
/// of the first kind of a key, the prefix alone finds them; else all rows of that list of kinds are scanned.
package struct EraseScan: Hashable, Sendable {
    /// What the keys begin with.
    package let prefix: [UInt8]
    /// The entity's place among the kinds of the key.
    package let place: Int
    private let id: [UInt8]

    private init(prefix: [UInt8], place: Int, id: [UInt8]) {
        self.prefix = prefix
        self.place = place
        self.id = id
    }

    /// Whether a key of a row, or of its history, that begins with the prefix is the entity's.
    package func matches(_ key: Span<UInt8>) -> Bool {
        guard place > 0 else { return true }
        return RowKeyView(key)?.hasID(id.span, at: place) ?? false
    }

    /// The scans that find everything of `entity`.
    ///
    /// - Throws: ``FieldError`` if no feature set knows the kind (a slip of the pen must not look like an
    ///   erasure), or the id cannot be.
    package static func scans(
        of entity: KassaV1.EntityKey, in catalog: FeatureCatalog
    ) throws(FieldError) -> [EraseScan] {
        let id = Array(entity.id.utf8)
        var scans: [EraseScan] = []
        for (kindsID, kinds) in catalog.kindLists {
            guard let place = kinds.firstIndex(of: entity.kind) else { continue }
            var key = RowKey()
            key.start(kindsID: kindsID)
            do throws(RowKeyError) {
                try key.append(entity.id)
            } catch {
                throw FieldError(field: "entity.id", reason: error.reason)
            }
            // Behind other ids it cannot be looked for, only met.
            if place > 0 { key.start(kindsID: kindsID) }
            let bytes = key.prefix
            scans.append(
                EraseScan(prefix: bytes.indices.map { bytes[$0] }, place: place, id: id))
        }
        guard !scans.isEmpty else {
            throw FieldError(
                field: "entity.kind", reason: "is not an entity kind of any feature set")
        }
        return scans
    }
}
