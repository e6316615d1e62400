// SPDX-License-Identifier: Apache-2.0

internal import API
package import Base
internal import Features
internal import Store
package import Wire

/// The read path of `Features.Read`, top to bottom.
extension Worker {
    /// Answers one `ReadRequest`: writes a `ReadResponse` into `writer`.
    ///
    /// All values come from one snapshot of the store.
    ///
    /// - Throws: why the request is refused; then `writer` holds nothing of use.
    /// - Complexity: O(bytes of the request + entities x features); allocates nothing after warm-up.
    package mutating func read(
        _ message: Span<UInt8>, at now: Timestamp, into writer: inout WireWriter
    ) throws(EngineError) {
        let start = writer.count
        readRows.resetCounts()
        try answerRead(message, at: now, into: &writer)
        if readRows.unknownLayoutRowCount > 0 {
            // A row was written under a newer configuration than this loop's: move to it.
            begin()
            writer.buffer.truncate(to: start)
            readRows.resetCounts()
            try answerRead(message, at: now, into: &writer)
        }
        counters.read(damagedRows: readRows.damagedRowCount + readRows.unknownLayoutRowCount)
    }

    /// Answers under one configuration and one snapshot.
    private mutating func answerRead(
        _ message: Span<UInt8>, at now: Timestamp, into writer: inout WireWriter
    ) throws(EngineError) {
        let byteCountMax = writer.count + ReadLimits.replyByteCountMax
        // The snapshot comes first: taking it may move to a newer configuration.
        try renewSnapshot()
        try readRequest.read(message, readPlans)
        try resolveSelections(message, at: now)
        let count = readRequest.entityCount
        var valueCount = 0
        var first = 0
        while first < readRequest.resolved.count {
            // Rows of one entity lie together, so those of several sets are looked up together.
            let most = first + max(1, ReadLimits.rowsTogetherMax / count)
            let end = min(most, readRequest.resolved.count)
            for index in first..<end {
                valueCount += count * (readRequest.resolved[index]?.plan.valueCount ?? 0)
                guard valueCount <= ReadLimits.valuesMax else { throw Self.tooMany(index) }
            }
            try lookUp(first..<end, message, at: now)
            for index in first..<end {
                guard let selection = readRequest.resolved[index] else { continue }
                guard
                    readRows.write(
                        selection.plan, from: (index - first) * count, count: count,
                        upTo: byteCountMax, into: &writer)
                else { throw Self.tooLong("selections[\(index)]") }
            }
            first = end
        }
        let epoch = configuration.value.epoch
        if epoch > 0 { writer.uint64(KassaV1.ReadResponse.Field.epoch, epoch) }
        guard writer.count <= byteCountMax else { throw Self.tooLong("selections") }
    }

    private static func tooMany(_ selection: Int) -> EngineError {
        EngineError(
            .invalidArgument,
            "selections[\(selection)]: the request asks for more than \(ReadLimits.valuesMax) values"
        )
    }

    private static func tooLong(_ field: String) -> EngineError {
        EngineError(
            .invalidArgument,
            "\(field): the reply would be longer than \(ReadLimits.replyByteCountMax) bytes;"
                + " ask for fewer entities or features")
    }

    /// Finds what each selection means, and checks the request against it.
    private mutating func resolveSelections(
        _ message: Span<UInt8>, at now: Timestamp
    ) throws(EngineError) {
        for index in readRequest.resolved.indices {
            let selection =
                if let known = readRequest.resolved[index] { known } else {
                    try resolveSelection(index, message)
                }
            try checkTimes(selection.plan, now: now.microseconds)
            readRequest.lookUps.append(
                (try ReadKeys(readRequest, message, of: selection), selection.rows))
        }
    }

    /// Resolves a selection that was not asked for lately.
    private mutating func resolveSelection(
        _ index: Int, _ message: Span<UInt8>
    ) throws(EngineError) -> ReadSelection {
        let field = "selections[\(index)]"
        let bytes = message.extracting(readRequest.selections[index])
        let asked: KassaV1.FeatureSelection
        do throws(WireError) {
            asked = try KassaV1.FeatureSelection(decoding: bytes)
        } catch {
            throw EngineError(.malformed, "ReadRequest: \(error)")
        }
        let (set, version) = try featureSet(asked.featureSet, at: "\(field).feature_set")
        let plan: ReadPlan
        do throws(FieldError) {
            plan = try ReadPlan(set: set, version: version, features: asked.features)
        } catch {
            throw EngineError(error, in: "\(field).")
        }
        let table = configuration.value.places.of(set.name).serving
        let selection = ReadSelection(plan, table)
        readPlans.keep(selection, of: bytes)
        readRequest.resolved[index] = selection
        return selection
    }

    /// Checks the times that are read as of.
    private func checkTimes(_ plan: ReadPlan, now: Int64) throws(EngineError) {
        do throws(FieldError) {
            if let time = readRequest.asOf { try plan.checkAsOf(time, now: now) }
            var index = 0
            while index < readRequest.asOfEach.count {
                try plan.checkAsOf(
                    readRequest.asOfEach[index], now: now, field: "as_of_us_each[\(index)]")
                index += 1
            }
        } catch {
            throw EngineError(error)
        }
    }

    /// Looks up the rows of some selections, entity by entity.
    private mutating func lookUp(
        _ selections: Range<Int>, _ message: Span<UInt8>, at now: Timestamp
    ) throws(EngineError) {
        let count = readRequest.entityCount
        readRows.start(count: selections.count * count)
        for entity in 0..<count {
            let asOf =
                readRequest.asOfEach.isEmpty ? readRequest.asOf : readRequest.asOfEach[entity]
            var lastKindsID: UInt16?
            for index in selections {
                let (keys, rows) = readRequest.lookUps[index]
                if lastKindsID == rows.kindsID {
                    key.replaceSet(rows.setID)
                } else {
                    try keys.build(entity, readRequest, message, of: rows, into: &key)
                    lastKindsID = rows.kindsID
                }
                try readRows.find(
                    key, asOf: asOf, now: now, at: (index - selections.lowerBound) * count + entity,
                    in: transaction, rows.table, engine.tables.history, with: &historyKey)
            }
        }
    }
}

extension ReadRows {
    /// Looks up the row of `key`, and notes it at `place`.
    fileprivate mutating func find(
        _ key: borrowing RowKey, asOf time: Int64?, now: Timestamp, at place: Int,
        in transaction: borrowing ReadTransaction, _ table: Table, _ history: Table,
        with historyKey: inout HistoryKey
    ) throws(EngineError) {
        do throws(StoreError) {
            // Safe: the snapshot is held until the turn ends, and the reply is written before.
            if let time {
                return try unsafe self.place(
                    key.bytes, asOf: time, at: place, in: transaction, history, with: &historyKey)
            }
            let row = try transaction.value(forKey: key.bytes, in: table)
            unsafe self.place(row, at: place, now: now.microseconds)
        } catch {
            throw EngineError(error)
        }
    }
}
