// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Wire

/// A `ReadRequest` as ranges into its bytes, so that reading one allocates nothing.
///
/// Reused from request to request: the arrays keep their storage.
struct ReadRequestFields {
    /// The ids of one entity kind, where they stand in the request.
    struct KeyColumn {
        var kind = ByteRange.empty
        /// The place of its first id among all.
        var firstID = 0
        var idCount = 0
    }

    private(set) var keys: [KeyColumn] = []
    /// Of each key column at most one id more than a read may have rows.
    private(set) var ids: [ByteRange] = []
    /// Each `FeatureSelection`, whole.
    private(set) var selections: [ByteRange] = []
    /// What each selection means; nil if it was not asked for lately.
    var resolved: [ReadSelection?] = []
    /// What looking rows up needs of each selection that was resolved: plain numbers.
    var lookUps: [(keys: ReadKeys, rows: ReadSelection.RowAddress)] = []
    private(set) var asOf: Int64?
    private(set) var asOfEach: [Int64] = []

    init() {
        selections.reserveCapacity(ReadLimits.selectionsMax)
        resolved.reserveCapacity(ReadLimits.selectionsMax)
        lookUps.reserveCapacity(ReadLimits.selectionsMax)
    }

    /// Entities, as many as the first key column has ids.
    var entityCount: Int { keys.first?.idCount ?? 0 }

    /// Reads `message`, replacing what was read before; `plans` are of the configuration in force.
    mutating func read(
        _ message: Span<UInt8>, _ plans: borrowing ReadPlanCache
    ) throws(EngineError) {
        // A request of many ids must not hold memory for ever.
        if ids.capacity > ReadLimits.idsKeptMax { ids = [] }
        if asOfEach.capacity > ReadLimits.idsKeptMax { asOfEach = [] }
        keys.removeAll(keepingCapacity: true)
        ids.removeAll(keepingCapacity: true)
        selections.removeAll(keepingCapacity: true)
        resolved.removeAll(keepingCapacity: true)
        lookUps.removeAll(keepingCapacity: true)
        asOf = nil
        asOfEach.removeAll(keepingCapacity: true)
        do throws(WireError) {
            try readFields(message, plans)
        } catch {
            throw EngineError(.malformed, "ReadRequest: \(error)")
        }
        guard !selections.isEmpty else {
            throw EngineError(.invalidArgument, "selections: at least one feature set is needed")
        }
        guard selections.count <= ReadLimits.selectionsMax else {
            throw EngineError(
                .invalidArgument,
                "selections: more than \(ReadLimits.selectionsMax) in one request")
        }
        guard !asOfEach.isEmpty else { return }
        guard asOf == nil else {
            throw EngineError(.invalidArgument, "as_of_us_each: as_of_us is given, too")
        }
        guard asOfEach.count == entityCount else {
            throw EngineError(.invalidArgument, "as_of_us_each: must be one time for each entity")
        }
    }

    private typealias Request = KassaV1.ReadRequest.Field

    private mutating func readFields(
        _ message: Span<UInt8>, _ plans: borrowing ReadPlanCache
    ) throws(WireError) {
        var reader = WireReader(message)
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Request.keys, .lengthDelimited):
                var nested = try reader.nested()
                try readKeyColumn(&nested)
            case WireTag.rawValue(of: Request.selections, .lengthDelimited):
                let nested = try reader.nested()
                try readSelection(nested, plans)
            case WireTag.rawValue(of: Request.asOfUs, .varint):
                asOf = try reader.sint64()
            case WireTag.rawValue(of: Request.asOfUsEach, .varint):
                asOfEach.append(try reader.sint64())
            case WireTag.rawValue(of: Request.asOfUsEach, .lengthDelimited):
                try reader.packed(sint64: &asOfEach)
            default:
                try reader.skip(tag)
            }
        }
    }

    private mutating func readKeyColumn(_ reader: inout WireReader) throws(WireError) {
        typealias Field = KassaV1.KeyColumn.Field
        var column = KeyColumn(firstID: ids.count)
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Field.kind, .lengthDelimited):
                column.kind = try reader.textRange()
            case WireTag.rawValue(of: Field.ids, .lengthDelimited):
                let id = try reader.textRange()
                if column.idCount <= FeatureLimits.rowsMax { ids.append(id) }
                column.idCount += 1
            default:
                try reader.skip(tag)
            }
        }
        keys.append(column)
    }

    /// Takes a selection as it stands; one that is known was a message before.
    private mutating func readSelection(
        _ given: WireReader, _ plans: borrowing ReadPlanCache
    ) throws(WireError) {
        typealias Field = KassaV1.FeatureSelection.Field
        let range = ByteRange(offset: given.position, count: given.end - given.position)
        // One over the limit is kept, so that `read` sees that there were too many.
        let isKept = selections.count <= ReadLimits.selectionsMax
        let known = isKept ? plans.selection(of: given.bytes.extracting(range)) : nil
        if isKept {
            selections.append(range)
            resolved.append(known)
        }
        guard known == nil else { return }
        var reader = given
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Field.featureSet, .lengthDelimited),
                WireTag.rawValue(of: Field.features, .lengthDelimited):
                _ = try reader.textRange()
            default:
                try reader.skip(tag)
            }
        }
    }
}
