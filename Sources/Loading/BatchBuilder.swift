// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base

/// Collects records into the columns of a batch, or rejects them.
struct BatchBuilder {
    private let schema: LoadSchema
    private let features: [LoadSchema.Feature]
    private let rowsMax: Int
    private var columns: [ColumnBuilder]
    private var ids: [[String]]
    private var times: [Int64] = []
    private var lines: [Int] = []
    private var rejects: [Reject] = []
    private var byteCount = 0
    private let fixedByteCount: Int

    init(_ schema: LoadSchema, features: [LoadSchema.Feature]) {
        self.schema = schema
        self.features = features
        columns = features.map { ColumnBuilder($0) }
        ids = schema.kinds.map { _ in [] }
        rowsMax = min(
            LoadingLimits.batchRowsMax, LoadingLimits.batchCellsMax / max(1, features.count))
        fixedByteCount = features.reduce(10) { $0 + $1.byteCountMax }
    }

    var isEmpty: Bool { lines.isEmpty && rejects.isEmpty }

    /// Whether the batch should be closed before another record.
    var isFull: Bool {
        lines.count >= rowsMax || rejects.count >= LoadingLimits.batchRowsMax
            || byteCount >= LoadingLimits.batchByteCountMax
    }

    /// Rejects the last record of `reader`.
    mutating func reject(_ reader: borrowing RowReader, field: String = "", reason: String) {
        rejects.append(Reject(line: reader.recordLine, field: field, reason: reason))
    }

    /// Takes the last record of `reader` as a row, or rejects it.
    mutating func append(_ reader: borrowing RowReader) {
        let row = lines.count
        if let (field, reason) = take(reader, row: row) {
            for index in columns.indices { columns[index].removeLast(row: row) }
            for kind in ids.indices where ids[kind].count > row { ids[kind].removeLast() }
            if times.count > row { times.removeLast() }
            reject(reader, field: field, reason: reason)
        } else {
            lines.append(reader.recordLine)
            byteCount += fixedByteCount
        }
    }

    private mutating func take(
        _ reader: borrowing RowReader, row: Int
    ) -> (field: String, reason: String)? {
        for kind in ids.indices {
            if let reason = takeKey(reader, kind: kind) { return (schema.kinds[kind], reason) }
        }
        if let place = schema.timePlace {
            let cell = reader.cells[place]
            switch cell.kind {
            case .absent, .empty, .null: return ("event_time_us", "is missing")
            case .text, .number:
                guard let time = schema.options.timeFormat.microseconds(reader.bytes(of: cell))
                else { return ("event_time_us", schema.options.timeFormat.form) }
                times.append(time)
            case .true, .false, .nested:
                return ("event_time_us", schema.options.timeFormat.form)
            }
        }
        for index in features.indices {
            let cell = reader.cells[features[index].place]
            let missing = isMissing(cell, type: features[index].type, reader)
            if let isNull = missing {
                columns[index].appendMissing(isNull: isNull, row: row)
                continue
            }
            let bytes = reader.bytes(of: cell)
            if let reason = columns[index].append(cell.kind, bytes, row: row) {
                return (features[index].name, reason)
            }
            if cell.kind == .text || cell.kind == .nested { byteCount += bytes.count }
        }
        return nil
    }

    private mutating func takeKey(_ reader: borrowing RowReader, kind: Int) -> String? {
        let cell = reader.cells[schema.keyPlaces[kind]]
        switch cell.kind {
        case .absent, .empty, .null: return "is missing"
        case .true, .false, .nested: return "is no id: text or a number is needed"
        case .text, .number: break
        }
        guard cell.count > 0 else { return "is empty" }
        let bytes = reader.bytes(of: cell)
        guard let text = try? UTF8Span(validating: bytes) else { return "is not UTF-8" }
        ids[kind].append(String(copying: text))
        byteCount += cell.count + 4
        return nil
    }

    /// Whether a cell has no value, and then whether that is an explicit null.
    private func isMissing(
        _ cell: Cell, type: KassaV1.FeatureType, _ reader: borrowing RowReader
    ) -> Bool? {
        switch cell.kind {
        case .absent: return false
        case .null: return true
        case .empty: return schema.options.emptyIsNull
        case .text:
            // A quoted empty field is the empty text, but no number.
            if cell.count == 0, type != .string { return schema.options.emptyIsNull }
            if let word = schema.options.nullText,
                reader.bytes(of: cell).hasSameBytes(as: word.utf8Span.span)
            {
                return true
            }
            return nil
        case .number, .true, .false, .nested: return nil
        }
    }

    /// The batch up to where `reader` has come; the builder is empty afterwards.
    mutating func finish(_ reader: borrowing RowReader) -> Batch {
        var batch = Batch()
        batch.request.featureSet = schema.featureSet
        if !lines.isEmpty {
            batch.request.keys = zip(schema.kinds, ids).map {
                KassaV1.KeyColumn(kind: $0, ids: $1)
            }
            batch.request.eventTimeUs =
                schema.timePlace == nil ? [schema.options.defaultTimeMicroseconds] : times
            for index in columns.indices {
                let says = columns[index].saysSomething
                let column = columns[index].finish(rowCount: lines.count)
                // A write needs one column at least, even if it says nothing.
                if says || (index == columns.count - 1 && batch.request.columns.isEmpty) {
                    batch.request.columns.append(column)
                }
            }
        }
        batch.lines = lines
        batch.rejects = rejects
        batch.endOffset = reader.offset
        batch.endLine = reader.line
        for kind in ids.indices { ids[kind].removeAll(keepingCapacity: true) }
        times.removeAll(keepingCapacity: true)
        lines.removeAll(keepingCapacity: true)
        rejects.removeAll(keepingCapacity: true)
        byteCount = 0
        return batch
    }
}
