// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The state of a feature set as bytes: a format version, fields, and the CRC-32C of all that.
///
/// Integers are little-endian; a string or a list starts with its count (UInt32). Layouts are not stored:
/// their column counts and dead columns give them. Format 1 had no dead columns, no history, no dropped or
/// deprecated versions, no categories and no fallbacks; it is still read.
extension FeatureSet {
    /// The version of the format.
    static let stateFormat: UInt8 = 2

    /// The state, to keep in the `resources` table.
    package func encodedState() -> [UInt8] {
        var writer = StateWriter()
        writer.integer(Self.stateFormat)
        writer.string(name)
        writer.integer(id)
        writer.string(owner)
        writer.string(description)
        writer.integer(UInt32(labels.count))
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            writer.string(key)
            writer.string(value)
        }
        writer.integer(UInt32(layouts.count))
        for layout in layouts {
            writer.integer(UInt32(layout.columnCount))
            writer.columns(layout.deadColumns)
        }
        writer.integer(UInt32(columns.count))
        for column in columns {
            writer.string(column.name)
            writer.integer(column.type.code)
            writer.integer(column.type.dimension)
        }
        writer.integer(UInt32(versions.count))
        for version in versions { writer.version(version) }
        writer.integer(historyMilliseconds)
        writer.integer(CRC32C.checksum(writer.bytes.span))
        return writer.bytes
    }

    /// A set from its state.
    ///
    /// Whatever the bytes, the result is a set that satisfies all limits, or an error.
    package init(state bytes: Span<UInt8>) throws(FeatureSetStateError) {
        guard bytes.count > 5 else { throw .damaged }
        let body = bytes.extracting(droppingLast: 4)
        guard bytes.load(at: body.count, as: UInt32.self) == CRC32C.checksum(body) else {
            throw .damaged
        }
        guard (1...Self.stateFormat).contains(body[0]) else { throw .unknownFormat(body[0]) }
        var reader = StateReader(body.extracting(droppingFirst: 1), format: body[0])
        let name = try reader.string()
        let id = try reader.integer(UInt32.self)
        let owner = try reader.string()
        let description = try reader.string()
        var labels: [String: String] = [:]
        for _ in 0..<(try reader.count(max: FeatureLimits.labelsMax)) {
            let key = try reader.string()
            labels[key] = try reader.string()
        }
        var layoutCounts: [Int] = []
        var deadColumns: [[UInt16]] = []
        // A version adds one layout, and its being dropped another.
        for _ in 0..<(try reader.count(max: FeatureLimits.versionsMax * 2)) {
            layoutCounts.append(try reader.count(max: FeatureLimits.columnsMax))
            deadColumns.append(try reader.columns(below: layoutCounts[layoutCounts.count - 1]))
        }
        var columns: [PhysicalColumn] = []
        for _ in 0..<(try reader.count(max: FeatureLimits.columnsMax)) {
            columns.append(
                PhysicalColumn(name: try reader.string(), type: try reader.featureType()))
        }
        var versions: [FeatureSetVersion] = []
        let versionCount = try reader.count(max: FeatureLimits.versionsMax)
        for index in 0..<versionCount {
            versions.append(try reader.version(number: UInt32(index) + 1, columns: columns))
        }
        let history = try reader.history()
        guard
            reader.isAtEnd, let newest = versions.last(where: { !$0.isDropped }),
            !layoutCounts.isEmpty,
            zip(layoutCounts, layoutCounts.dropFirst()).allSatisfy({ $0 <= $1 }),
            zip(deadColumns, deadColumns.dropFirst()).allSatisfy({ Set($0).isSubset(of: $1) }),
            layoutCounts[0] > 0, layoutCounts.last == columns.count
        else { throw .damaged }
        do throws(FeatureSetError) {
            // The words of the set obey the same limits as a document's.
            _ = try FeatureSetDefinition(
                name: name, entityKinds: newest.entityKinds, features: newest.features,
                ttlMilliseconds: newest.ttlMilliseconds, historyMilliseconds: history,
                owner: owner, description: description, labels: labels)
        } catch { throw .damaged }
        let types = columns.map(\.type)
        self.init(
            name: name, id: id, columns: columns,
            layouts: layoutCounts.enumerated().map {
                RowLayout(
                    id: UInt16($0.offset) + 1, types: Array(types[..<$0.element]),
                    dead: deadColumns[$0.offset])
            },
            versions: versions, historyMilliseconds: history, owner: owner,
            description: description, labels: labels)
        // A layout without a column that a version has would lose its values.
        guard Set(newestLayout.deadColumns).isSubset(of: self.deadColumns) else { throw .damaged }
    }
}
