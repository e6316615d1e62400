// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Wire

/// Which key columns of a request are those of one list of entity kinds: plain numbers.
struct ReadKeys {
    private var columns = InlineArray<4, Int>(repeating: 0)
    private var count = 0

    /// Picks the columns of the selection's kinds, which may come in any order and beside others.
    ///
    /// - Throws: if a kind is missing, is there twice, or the counts differ.
    init(
        _ request: ReadRequestFields, _ message: Span<UInt8>, of selection: ReadSelection
    ) throws(EngineError) {
        precondition(selection.kinds.count <= FeatureLimits.entityKindsMax)
        guard !request.keys.isEmpty else { throw Self.missing(0, selection) }
        let rowCount = request.entityCount
        guard (1...FeatureLimits.rowsMax).contains(rowCount) else {
            throw EngineError(
                .invalidArgument, "keys: must have 1 to \(FeatureLimits.rowsMax) ids a kind")
        }
        for kind in selection.kinds.indices {
            let name = selection.kinds[kind]
            var found = -1
            for (index, column) in request.keys.enumerated()
            where message.extracting(column.kind).hasSameBytes(as: name.span) {
                guard found < 0 else {
                    throw EngineError(
                        .invalidArgument,
                        "keys: has ids of kind \(Self.name(kind, selection)) twice")
                }
                found = index
            }
            guard found >= 0 else { throw Self.missing(kind, selection) }
            guard request.keys[found].idCount == rowCount else {
                throw EngineError(
                    .invalidArgument,
                    "keys[\(Self.name(kind, selection))].ids: must be as many as the other ids")
            }
            columns[kind] = found
            count += 1
        }
    }

    private static func missing(_ kind: Int, _ selection: ReadSelection) -> EngineError {
        EngineError(.invalidArgument, "keys: has no ids of kind \(name(kind, selection))")
    }

    private static func name(_ kind: Int, _ selection: ReadSelection) -> String {
        selection.plan.version.entityKinds[kind]
    }

    /// Builds the key of an entity's row.
    ///
    /// - Throws: naming the kind whose id cannot be.
    func build(
        _ entity: Int, _ request: ReadRequestFields, _ message: Span<UInt8>,
        of rows: ReadSelection.RowAddress, into key: inout RowKey
    ) throws(EngineError) {
        key.start(kindsID: rows.kindsID)
        var kind = 0
        do throws(RowKeyError) {
            while kind < count {
                let id = request.ids[request.keys[columns[kind]].firstID + entity]
                try key.append(validUTF8: message.extracting(id))
                kind += 1
            }
            try key.finish(setID: rows.setID)
        } catch {
            // The kind's own name, which the request's equals.
            let range = request.keys[columns[min(kind, count - 1)]].kind
            let name = String(
                decoding: (0..<range.count).map { message[range.offset + $0] }, as: UTF8.self)
            throw EngineError(.invalidArgument, "keys[\(name)].ids[\(entity)]: \(error.reason)")
        }
    }
}
