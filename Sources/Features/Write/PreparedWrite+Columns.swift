// SPDX-License-Identifier: Apache-2.0

internal import API

extension PreparedWrite {
    /// Spreads the request's columns over the cells.
    mutating func takeColumns(_ given: [KassaV1.Column]) throws(FieldError) {
        let cellCount = rowCount * given.count
        states = [UInt8](repeating: Presence.present.rawValue, count: cellCount)
        bits = [UInt64](repeating: 0, count: cellCount)
        var isTaken = [Bool](repeating: false, count: version.features.count)
        for (place, column) in given.enumerated() {
            // Most writers keep the declared order, so that the first guess is right.
            let guess =
                place < version.features.count && version.features[place].name == column.name
            guard let index = guess ? place : version.index(ofFeature: column.name) else {
                throw FieldError(
                    field: "columns[\(place)].name",
                    reason: "is not a feature of \(set.name)@\(version.number)")
            }
            guard !isTaken[index] else {
                throw FieldError(
                    field: "columns[\(place)].name", reason: "is an earlier column's too")
            }
            isTaken[index] = true
            columns.append(version.columnIDs[index])
            try takeStates(column, place: place, of: given.count)
            try takeValues(column, place: place, of: given.count, version.features[index])
        }
    }

    private mutating func takeStates(
        _ column: KassaV1.Column, place: Int, of columnCount: Int
    ) throws(FieldError) {
        let byteCount = (rowCount + 7) / 8
        guard column.nulls.isEmpty || column.nulls.count == byteCount else {
            throw FieldError(
                field: "columns[\(place)].nulls", reason: "must have a bit a row, or be empty")
        }
        guard column.absent.isEmpty || column.absent.count == byteCount else {
            throw FieldError(
                field: "columns[\(place)].absent", reason: "must have a bit a row, or be empty")
        }
        if column.nulls.isEmpty && column.absent.isEmpty { return }
        for row in 0..<rowCount {
            let isNull = !column.nulls.isEmpty && column.nulls[row >> 3] >> (row & 7) & 1 == 1
            let isAbsent = !column.absent.isEmpty && column.absent[row >> 3] >> (row & 7) & 1 == 1
            if isNull && isAbsent { refuse(row, column.name, "is both null and absent") }
            if isNull { states[row * columnCount + place] = Presence.null.rawValue }
            if isAbsent { states[row * columnCount + place] = Presence.absent.rawValue }
        }
    }

    private mutating func takeValues(
        _ column: KassaV1.Column, place: Int, of columnCount: Int, _ feature: FeatureDefinition
    ) throws(FieldError) {
        let name = feature.name
        switch (feature.type, column.values) {
        case (_, nil):
            for row in 0..<rowCount
            where states[row * columnCount + place] == Presence.present.rawValue {
                throw FieldError(
                    field: "columns[\(place)].values", reason: "is missing, and not all is null")
            }
        case (.float32, .floats(let source)):
            try fill(source.values, name, place, columnCount, "is not a finite number") {
                $0.isFinite ? UInt64($0.bitPattern) : nil
            }
        case (.float32, .doubles(let source)):
            try fill(source.values, name, place, columnCount, "is not a finite float32") {
                let nearest = Float($0)
                return nearest.isFinite ? UInt64(nearest.bitPattern) : nil
            }
        case (.float32, .integers(let source)):
            try fill(source.values, name, place, columnCount, "is not exact as a float32") {
                Float(exactly: $0).map { UInt64($0.bitPattern) }
            }
        case (.float64, .floats(let source)):
            try fill(source.values, name, place, columnCount, "is not a finite number") {
                $0.isFinite ? Double($0).bitPattern : nil
            }
        case (.float64, .doubles(let source)):
            try fill(source.values, name, place, columnCount, "is not a finite number") {
                $0.isFinite ? $0.bitPattern : nil
            }
        case (.float64, .integers(let source)):
            try fill(source.values, name, place, columnCount, "is not exact as a float64") {
                Double(exactly: $0)?.bitPattern
            }
        case (.int64, .integers(let source)):
            try fill(source.values, name, place, columnCount, "") { UInt64(bitPattern: $0) }
        case (.bool, .flags(let source)):
            try fill(source.values, name, place, columnCount, "") { $0 ? 1 : 0 }
        case (.string, .texts(let source)):
            try takeTexts(source.values, name, place, columnCount)
        case (.float32, _), (.float64, _):
            throw FieldError(
                field: "columns[\(place)].values",
                reason: "must be floats, doubles or integers for a \(feature.type.name)")
        case (.int64, _):
            throw FieldError(
                field: "columns[\(place)].values", reason: "must be integers for an int64")
        case (.bool, _):
            throw FieldError(field: "columns[\(place)].values", reason: "must be flags for a bool")
        case (.string, _):
            throw FieldError(
                field: "columns[\(place)].values", reason: "must be texts for a string")
        }
    }

    /// Converts one column; a value that `convert` refuses refuses its row.
    @inline(__always)
    private mutating func fill<Source>(
        _ source: [Source], _ name: String, _ place: Int, _ columnCount: Int, _ reason: String,
        _ convert: (Source) -> UInt64?
    ) throws(FieldError) {
        guard source.count == rowCount else {
            throw FieldError(field: "columns[\(place)].values", reason: "must be one a row")
        }
        var cell = place
        for row in 0..<rowCount {
            if states[cell] == Presence.present.rawValue {
                if let value = convert(source[row]) {
                    bits[cell] = value
                } else {
                    refuse(row, name, reason)
                }
            }
            cell += columnCount
        }
    }

    private mutating func takeTexts(
        _ source: [String], _ name: String, _ place: Int, _ columnCount: Int
    ) throws(FieldError) {
        guard source.count == rowCount else {
            throw FieldError(field: "columns[\(place)].values", reason: "must be one a row")
        }
        for row in 0..<rowCount {
            let cell = row * columnCount + place
            guard states[cell] == Presence.present.rawValue else { continue }
            let text = source[row].utf8Span.span
            guard text.count <= FeatureLimits.textByteCountMax else {
                refuse(
                    row, name, "is longer than \(FeatureLimits.textByteCountMax) bytes")
                continue
            }
            // At most `cellsMax` texts of 1,024 bytes: the offset fits 32 bits.
            bits[cell] = UInt64(texts.count) << 32 | UInt64(text.count)
            unsafe text.withUnsafeBufferPointer { unsafe texts.append(contentsOf: $0) }
        }
    }
}
