// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Wire

/// Columns whose values are looked at one by one: of any type, age and layout.
extension ReadRows {
    /// Writes values, statuses and ages of a column; false if the writer's content would grow beyond
    /// `byteCountMax` by them.
    mutating func writeCells(
        _ column: ReadColumn, _ plan: ReadPlan, _ first: Int, _ count: Int, _ byteCountMax: Int,
        _ writer: inout WireWriter
    ) -> Bool {
        statuses.removeAll(keepingCapacity: true)
        ages.removeAll(keepingCapacity: true)
        let message = writer.begin(column.valuesField)
        var packed: Int?
        switch column.type {
        case .float32: writer.beginPacked(byteCount: count * 4)
        case .float64: writer.beginPacked(byteCount: count * 8)
        case .bool: writer.beginPacked(byteCount: count)
        case .int64, .timestamp: packed = writer.begin(KassaV1.IntegerValues.Field.values)
        case .vector(let dimension):
            writer.uint32(KassaV1.FloatVectors.Field.dimension, UInt32(dimension))
            writer.tag(KassaV1.FloatVectors.Field.values, .lengthDelimited)
            writer.varint(UInt64(count) * UInt64(dimension) * 4)
        case .string, .strings: break
        }
        var layout: RowLayout?
        for index in first..<first + count {
            let row = rows[index]
            if row.state == .plain || row.state == .mixed, layout?.id != row.layoutID {
                layout = plan.layouts[Int(row.layoutID) - 1]
            }
            writeCell(row, layout, column, plan.constants, &writer)
            guard writer.count <= byteCountMax else { return false }
        }
        if let packed { writer.end(packed) }
        writer.end(message)
        writer.bytes(KassaV1.ReadColumn.Field.statuses, statuses)
        writer.packed(KassaV1.ReadColumn.Field.agesMs, sint64: ages)
        return true
    }

    /// Writes one value, and notes its status and age.
    @inline(__always)
    private mutating func writeCell(
        _ row: Row, _ layout: RowLayout?, _ column: ReadColumn, _ constants: [UInt8],
        _ writer: inout WireWriter
    ) {
        var status = ValueStatus.invalid
        var age: Int64 = -1
        switch row.state {
        case .noEntity: status = .noEntity
        case .invalid, .found: break
        case .plain, .mixed:
            guard let layout else { break }
            // Safe: whoever placed the row keeps its bytes.
            let view = RowView(
                verified: unsafe Span(_unsafeElements: row.bytes), layout: layout)
            (status, age) = column.status(in: view, now: row.now)
            guard status.hasValue, !column.defaulted.has(status) else { break }
            if writer.element(column, of: view) { return note(status, age) }
            (status, age) = (.invalid, -1)
        }
        if column.defaulted.has(status) {
            writer.append(constants.span.extracting(column.standIn))
            note(.defaulted, age)
        } else {
            writer.append(constants.span.extracting(column.placeholder))
            note(status, age)
        }
    }

    @inline(__always)
    private mutating func note(_ status: ValueStatus, _ age: Int64) {
        statuses.append(status.rawValue)
        ages.append(age < 0 ? -1 : age / 1_000)
    }
}

extension ReadColumn {
    /// What a reader gets from a verified row: before a default stands in. The age is in microseconds.
    @inline(__always)
    fileprivate func status(
        in row: borrowing RowView, now: Int64
    ) -> (status: ValueStatus, age: Int64) {
        guard let presence = row.presence(ofColumn: column) else { return (.invalid, -1) }
        guard presence != .absent else { return (.noFeature, -1) }
        guard let time = row.eventTime(ofColumn: column) else { return (.invalid, -1) }
        let age = max(0, now &- time)
        if age > ttl { return (.expired, age) }
        if presence == .null { return (.null, age) }
        return (age > maxAge ? .stale : .present, age)
    }
}

extension WireWriter {
    /// Writes the value that a row holds as one element of the message of its type; false, and nothing
    /// is written, if the bytes are none.
    @inline(__always)
    fileprivate mutating func element(_ column: ReadColumn, of row: borrowing RowView) -> Bool {
        switch column.type {
        case .float32:
            littleEndian(UInt32(truncatingIfNeeded: row.bits(ofColumn: column.column)))
        case .float64: littleEndian(row.bits(ofColumn: column.column))
        case .int64, .timestamp:
            varint(Self.zigzag(Int64(bitPattern: row.bits(ofColumn: column.column))))
        case .bool: append(row.bits(ofColumn: column.column) == 0 ? 0 : 1)
        case .string:
            guard
                let text = row.tail(ofColumn: column.column),
                (try? UTF8Span(validating: text)) != nil
            else { return false }
            bytes(KassaV1.TextValues.Field.values, text)
        case .vector:
            // A range of another length than the vector's is none; see `tailRange`.
            guard let components = row.tail(ofColumn: column.column) else { return false }
            append(components)
        case .strings:
            guard let list = row.tail(ofColumn: column.column) else { return false }
            return self.list(list)
        }
        return true
    }

    /// Writes a list of strings as it lies in a row's tail; see ``StringListBytes``.
    private mutating func list(_ list: Span<UInt8>) -> Bool {
        let start = count
        let message = begin(KassaV1.StringLists.Field.values)
        let isWhole = StringListBytes.forEach(list) { text in
            bytes(KassaV1.StringList.Field.values, text)
        }
        guard isWhole else {
            buffer.truncate(to: start)
            return false
        }
        end(message)
        return true
    }
}
