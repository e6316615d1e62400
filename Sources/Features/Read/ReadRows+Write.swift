// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
package import Wire

extension ReadRows {
    /// Writes `count` rows from place `first` on as one `feature_sets` field of a `ReadResponse`.
    ///
    /// - Returns: false if the writer's content would grow beyond `byteCountMax` by it; then what was
    ///   written is of no use. It is looked at often enough that not much more memory is taken.
    /// - Complexity: O(rows x columns).
    package mutating func write(
        _ plan: ReadPlan, from first: Int, count: Int, upTo byteCountMax: Int,
        into writer: inout WireWriter
    ) -> Bool {
        let columns = plan.columns
        let constants = plan.constants
        let shape = survey(first, count, of: plan)
        if shape.isUniform { shareStatuses(first, count) }
        let layout = shape.layoutID == 0 ? nil : plan.layouts[Int(shape.layoutID) - 1]
        let set = writer.begin(KassaV1.ReadResponse.Field.featureSets)
        writer.append(constants.span.extracting(plan.name))
        for column in columns {
            let start = writer.begin(KassaV1.FeatureSetValues.Field.columns)
            writer.append(constants.span.extracting(column.header))
            if shape.isUniform, !column.type.isInTail {
                writeUniform(column, layout, constants, first, count, &writer)
                appendShared(column, count, hasMissing: shape.hasMissing, to: &writer)
            } else {
                guard writeCells(column, plan, first, count, byteCountMax, &writer) else {
                    return false
                }
            }
            writer.end(start)
            guard writer.count <= byteCountMax else { return false }
        }
        writer.end(set)
        return writer.count <= byteCountMax
    }

    /// What rows have in common.
    private struct Shape {
        /// Whether each is plain, in one layout, or not there.
        var isUniform = true
        /// The layout of those that are there; 0 if none is.
        var layoutID: UInt16 = 0
        /// Whether one is not there.
        var hasMissing = false
    }

    /// Verifies the rows, and says what they have in common.
    private mutating func survey(_ first: Int, _ count: Int, of plan: ReadPlan) -> Shape {
        var shape = Shape()
        for index in first..<first + count {
            verify(index, of: plan)
            switch rows[index].state {
            case .noEntity: shape.hasMissing = true
            case .plain where shape.layoutID == 0 || shape.layoutID == rows[index].layoutID:
                shape.layoutID = rows[index].layoutID
            case .plain, .mixed, .invalid, .found: shape.isUniform = false
            }
        }
        return shape
    }

    /// Encodes statuses and ages of uniform rows, which are the same for each column.
    private mutating func shareStatuses(_ first: Int, _ count: Int) {
        typealias Field = KassaV1.ReadColumn.Field
        shared.removeAll()
        shared.tag(Field.statuses, .lengthDelimited)
        shared.varint(UInt64(count))
        for index in first..<first + count {
            let isThere = rows[index].state == .plain
            shared.append(isThere ? ValueStatus.present.rawValue : ValueStatus.noEntity.rawValue)
        }
        let start = shared.begin(Field.agesMs)
        for index in first..<first + count {
            let isThere = rows[index].state == .plain
            shared.varint(WireWriter.zigzag(isThere ? rows[index].age / 1_000 : -1))
        }
        shared.end(start)
    }

    /// Appends the shared statuses and ages; where a default stands in for a missing row, it says so.
    @inline(__always)
    private func appendShared(
        _ column: ReadColumn, _ count: Int, hasMissing: Bool, to writer: inout WireWriter
    ) {
        let start = writer.count
        writer.append(shared.bytes)
        guard hasMissing, column.defaulted.has(.noEntity) else { return }
        let statuses = start + 1 + WireWriter.varintByteCount(UInt64(count))
        var bytes = writer.buffer.mutableBytes
        for index in statuses..<statuses + count
        where bytes[index] == ValueStatus.noEntity.rawValue {
            bytes[index] = ValueStatus.defaulted.rawValue
        }
    }

    /// Writes the values of a column that has a slot of its own, of uniform rows.
    @inline(__always)
    private func writeUniform(
        _ column: ReadColumn, _ layout: RowLayout?, _ constants: [UInt8], _ first: Int,
        _ count: Int, _ writer: inout WireWriter
    ) {
        let offset = layout?.offsets[column.column] ?? 0
        let missing = column.defaulted.has(.noEntity) ? column.standIn : column.placeholder
        switch column.type {
        case .float32:
            writer.beginPacked(in: column.valuesField, byteCount: count * 4)
            for index in first..<first + count {
                guard rows[index].state == .plain else {
                    writer.append(constants.span.extracting(missing))
                    continue
                }
                writer.littleEndian(slot(index, offset, as: UInt32.self))
            }
        case .float64:
            writer.beginPacked(in: column.valuesField, byteCount: count * 8)
            for index in first..<first + count {
                guard rows[index].state == .plain else {
                    writer.append(constants.span.extracting(missing))
                    continue
                }
                writer.littleEndian(slot(index, offset, as: UInt64.self))
            }
        case .bool:
            writer.beginPacked(in: column.valuesField, byteCount: count)
            for index in first..<first + count {
                guard rows[index].state == .plain else {
                    writer.append(constants.span.extracting(missing))
                    continue
                }
                writer.append(slot(index, offset, as: UInt8.self) == 0 ? 0 : 1)
            }
        case .int64, .timestamp:
            let message = writer.begin(column.valuesField)
            let values = writer.begin(KassaV1.IntegerValues.Field.values)
            for index in first..<first + count {
                guard rows[index].state == .plain else {
                    writer.append(constants.span.extracting(missing))
                    continue
                }
                writer.varint(WireWriter.zigzag(slot(index, offset, as: Int64.self)))
            }
            writer.end(values)
            writer.end(message)
        case .string, .vector, .strings:
            preconditionFailure("values of the tail are written cell by cell")
        }
    }

    /// A slot of the row at `index`.
    @inline(__always)
    private func slot<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ index: Int, _ offset: Int, as type: Integer.Type
    ) -> Integer {
        // Safe: whoever placed the row keeps its bytes; the load is checked against their count.
        let bytes = unsafe Span(_unsafeElements: rows[index].bytes)
        return bytes.load(at: offset, as: type)
    }
}
