// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Wire

/// A `ScoreRequest` as ranges into its bytes, so that reading one allocates nothing.
///
/// Reused from request to request: the arrays keep their storage.
struct ScoreRequestFields {
    /// An entity's kind and id, where they stand in the request.
    struct Entity {
        var kind = ByteRange.empty
        var id = ByteRange.empty
    }

    /// A value that the request brings along.
    struct ContextValue {
        enum Kind {
            case missing
            case null
            case number(Double)
            case integer(Int64)
            case flag(Bool)
            case text(ByteRange)
            case vector([Float])
        }

        var name = ByteRange.empty
        var kind = Kind.missing
    }

    private(set) var scorer = ByteRange.empty
    private(set) var entities: [Entity] = []
    private(set) var context: [ContextValue] = []
    private(set) var includesFeatures = false
    /// Whether the score is kept for an outcome.
    private(set) var isRecorded = false
    /// What the caller wants to stay in one slot; empty means its entity.
    private(set) var routingKey = ByteRange.empty
    private(set) var includesContributions = false
    /// How many contributions are wanted; 0 means all.
    private(set) var topContributions: UInt32 = 0
    /// The rows of a batch, where they stand in the request.
    private(set) var rows: [ByteRange] = []
    /// Entities and values that the rows of a batch share; each row's own come behind them.
    private var sharedEntityCount = 0
    private var sharedContextCount = 0

    init() {
        entities.reserveCapacity(ScoreLimits.entitiesMax)
        context.reserveCapacity(ScoreLimits.contextValuesMax)
    }

    /// Reads a `ScoreRequest`, replacing what was read before.
    mutating func read(_ message: Span<UInt8>) throws(EngineError) {
        clear()
        do throws(WireError) {
            try readFields(message, isBatch: false)
        } catch {
            throw EngineError(.malformed, "ScoreRequest: \(error)")
        }
        try checkCounts()
    }

    /// Reads what the rows of a `ScoreBatchRequest` share, and where its rows are.
    mutating func readBatch(_ message: Span<UInt8>) throws(EngineError) {
        clear()
        do throws(WireError) {
            try readFields(message, isBatch: true)
        } catch {
            throw EngineError(.malformed, "ScoreBatchRequest: \(error)")
        }
        try checkCounts()
        guard rows.count <= ScoreLimits.batchRowsMax else {
            throw EngineError(
                .invalidArgument, "rows: more than \(ScoreLimits.batchRowsMax) in one request")
        }
        sharedEntityCount = entities.count
        sharedContextCount = context.count
    }

    /// Reads a row of the batch; then everything is as if a single request had been read.
    mutating func readRow(_ row: Int, of message: Span<UInt8>) throws(EngineError) {
        entities.removeLast(entities.count - sharedEntityCount)
        context.removeLast(context.count - sharedContextCount)
        do throws(WireError) {
            try readRowFields(WireReader(message, in: rows[row]))
        } catch {
            throw EngineError(.malformed, "ScoreRow: \(error)")
        }
        try checkCounts()
    }

    private mutating func clear() {
        scorer = .empty
        entities.removeAll(keepingCapacity: true)
        context.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        includesFeatures = false
        isRecorded = false
        routingKey = .empty
        includesContributions = false
        topContributions = 0
    }

    private func checkCounts() throws(EngineError) {
        guard entities.count <= ScoreLimits.entitiesMax else {
            throw EngineError(
                .invalidArgument, "entities: more than \(ScoreLimits.entitiesMax) in one request")
        }
        guard context.count <= ScoreLimits.contextValuesMax else {
            throw EngineError(
                .invalidArgument,
                "context: more than \(ScoreLimits.contextValuesMax) values in one request")
        }
    }

    private typealias Request = KassaV1.ScoreRequest.Field

    private mutating func readFields(
        _ message: Span<UInt8>, isBatch: Bool
    ) throws(WireError) {
        var reader = WireReader(message)
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Request.scorer, .lengthDelimited):
                scorer = try reader.textRange()
            case WireTag.rawValue(of: Request.entities, .lengthDelimited):
                var nested = try reader.nested()
                try addEntity(&nested)
            case WireTag.rawValue(of: Request.context, .lengthDelimited):
                var nested = try reader.nested()
                try addContextValue(&nested)
            case WireTag.rawValue(of: Request.include, .varint):
                note(try reader.enumeration())
            case WireTag.rawValue(of: Request.include, .lengthDelimited):
                var packed = try reader.packed()
                while !packed.isAtEnd { note(try packed.enumeration()) }
            case WireTag.rawValue(of: Request.routingKey, .lengthDelimited):
                routingKey = try reader.textRange()
            case WireTag.rawValue(of: Request.topContributions, .varint):
                topContributions = try reader.uint32()
            case WireTag.rawValue(of: Request.record, .varint):
                isRecorded = try reader.bool()
            case WireTag.rawValue(of: KassaV1.ScoreBatchRequest.Field.rows, .lengthDelimited)
            where isBatch:
                let row = try reader.byteRange()
                if rows.count <= ScoreLimits.batchRowsMax { rows.append(row) }
            default:
                try reader.skip(tag)
            }
        }
    }

    private mutating func readRowFields(_ row: consuming WireReader) throws(WireError) {
        typealias Row = KassaV1.ScoreRow.Field
        var reader = row
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Row.entities, .lengthDelimited):
                var nested = try reader.nested()
                try addEntity(&nested)
            case WireTag.rawValue(of: Row.context, .lengthDelimited):
                var nested = try reader.nested()
                try addContextValue(&nested)
            default:
                try reader.skip(tag)
            }
        }
    }

    private mutating func note(_ include: KassaV1.Include) {
        if include == .features { includesFeatures = true }
        if include == .contributions { includesContributions = true }
    }

    // One over the limit is kept, so that `checkCounts` sees that there were too many.

    private mutating func addEntity(_ reader: inout WireReader) throws(WireError) {
        let entity = try Self.entity(&reader)
        if entities.count <= ScoreLimits.entitiesMax { entities.append(entity) }
    }

    private mutating func addContextValue(_ reader: inout WireReader) throws(WireError) {
        let value = try Self.contextValue(&reader)
        if context.count <= ScoreLimits.contextValuesMax { context.append(value) }
    }

    private static func entity(_ reader: inout WireReader) throws(WireError) -> Entity {
        typealias Field = KassaV1.EntityKey.Field
        var entity = Entity()
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Field.kind, .lengthDelimited):
                entity.kind = try reader.textRange()
            case WireTag.rawValue(of: Field.id, .lengthDelimited):
                entity.id = try reader.textRange()
            default:
                try reader.skip(tag)
            }
        }
        return entity
    }

    private static func contextValue(_ reader: inout WireReader) throws(WireError) -> ContextValue {
        typealias Field = KassaV1.NamedValue.Field
        var value = ContextValue()
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Field.name, .lengthDelimited):
                value.name = try reader.textRange()
            case WireTag.rawValue(of: Field.value, .lengthDelimited):
                var nested = try reader.nested()
                try readKind(&nested, into: &value.kind)
            default:
                try reader.skip(tag)
            }
        }
        return value
    }

    private static func readKind(
        _ reader: inout WireReader, into kind: inout ContextValue.Kind
    ) throws(WireError) {
        typealias Field = KassaV1.Value.Field
        while let tag = try reader.next() {
            switch tag.rawValue {
            case WireTag.rawValue(of: Field.number, .fixed64):
                kind = .number(try reader.double())
            case WireTag.rawValue(of: Field.integer, .varint):
                kind = .integer(try reader.sint64())
            case WireTag.rawValue(of: Field.flag, .varint):
                kind = .flag(try reader.bool())
            case WireTag.rawValue(of: Field.text, .lengthDelimited):
                kind = .text(try reader.textRange())
            case WireTag.rawValue(of: Field.vector, .lengthDelimited):
                kind = .vector(try KassaV1.FloatVector(decoding: try reader.span()).values)
            case WireTag.rawValue(of: Field.null, .lengthDelimited):
                _ = try KassaV1.NullValue(decoding: try reader.span())
                kind = .null
            default:
                try reader.skip(tag)
            }
        }
    }
}
