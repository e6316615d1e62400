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
            try takeValues(column, place: place, of: given.count, index)
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
        _ column: KassaV1.Column, place: Int, of columnCount: Int, _ index: Int
    ) throws(FieldError) {
        let feature = version.features[index]
        let categories = version.categories[index]
        let target = Target(feature: feature, place: place, columnCount: columnCount)
        switch (feature.type, column.values) {
        case (_, nil):
            for row in 0..<rowCount
            where states[row * columnCount + place] == Presence.present.rawValue {
                throw FieldError(
                    field: "columns[\(place)].values", reason: "is missing, and not all is null")
            }
        case (.float32, .floats(let source)):
            try fill(source.values, target, "is not a finite number", isNull: Self.isNonFinite) {
                $0.isFinite ? UInt64($0.bitPattern) : nil
            }
        case (.float32, .doubles(let source)):
            try fill(source.values, target, "is not a finite float32", isNull: Self.isNonFinite) {
                let nearest = Float($0)
                return nearest.isFinite ? UInt64(nearest.bitPattern) : nil
            }
        case (.float32, .integers(let source)):
            try fill(source.values, target, "is not exact as a float32") {
                Float(exactly: $0).map { UInt64($0.bitPattern) }
            }
        case (.float64, .floats(let source)):
            try fill(source.values, target, "is not a finite number", isNull: Self.isNonFinite) {
                $0.isFinite ? Double($0).bitPattern : nil
            }
        case (.float64, .doubles(let source)):
            try fill(source.values, target, "is not a finite number", isNull: Self.isNonFinite) {
                $0.isFinite ? $0.bitPattern : nil
            }
        case (.float64, .integers(let source)):
            try fill(source.values, target, "is not exact as a float64") {
                Double(exactly: $0)?.bitPattern
            }
        case (.int64, .integers(let source)):
            try fill(source.values, target, "") { UInt64(bitPattern: $0) }
        case (.bool, .flags(let source)):
            try fill(source.values, target, "") { $0 ? 1 : 0 }
        case (.timestamp, .integers(let source)):
            try fill(source.values, target, "is not in years 1 to 9999") {
                FeatureLimits.timestamps.contains($0) ? UInt64(bitPattern: $0) : nil
            }
        case (.string, .texts(let source)):
            try takeTexts(source.values, target, categories)
        case (.vector(let dimension), .vectors(let source)):
            try takeVectors(source, target, dimension: Int(dimension))
        case (.strings, .lists(let source)):
            try takeLists(source.values, target)
        case (let type, _):
            throw FieldError(
                field: "columns[\(place)].values",
                reason: "must be \(type.columnNames) for a \(type.name)")
        }
    }

    /// Where the values of one column go.
    struct Target {
        let feature: FeatureDefinition
        let place: Int
        let columnCount: Int

        /// The place of the column's cell of a row.
        func cell(_ row: Int) -> Int { row * columnCount + place }
    }

    private static func isNonFinite<Value: BinaryFloatingPoint>(_ value: Value) -> Bool {
        !value.isFinite
    }

    /// Refuses a cell's row, or takes the cell as null where that is asked for.
    mutating func refuse(_ row: Int, _ target: Target, _ reason: String, orNull isNull: Bool) {
        if isNull && target.feature.takesNonFiniteAsNull {
            states[target.cell(row)] = Presence.null.rawValue
        } else {
            refuse(row, target.feature.name, reason)
        }
    }

    /// Converts one column; a value that `convert` refuses refuses its row, or is null.
    @inline(__always)
    private mutating func fill<Source>(
        _ source: [Source], _ target: Target, _ reason: String,
        isNull: (Source) -> Bool = { _ in false }, _ convert: (Source) -> UInt64?
    ) throws(FieldError) {
        try checkCount(source.count, target)
        var cell = target.place
        for row in 0..<rowCount {
            if states[cell] == Presence.present.rawValue {
                if let value = convert(source[row]) {
                    bits[cell] = value
                } else {
                    refuse(row, target, reason, orNull: isNull(source[row]))
                }
            }
            cell += target.columnCount
        }
    }

    func checkCount(_ count: Int, _ target: Target) throws(FieldError) {
        guard count == rowCount else {
            throw FieldError(field: "columns[\(target.place)].values", reason: "must be one a row")
        }
    }
}

extension FeatureType {
    /// The kinds of column whose values it takes.
    fileprivate var columnNames: String {
        switch self {
        case .float32, .float64: "floats, doubles or integers"
        case .int64, .timestamp: "integers"
        case .bool: "flags"
        case .string: "texts"
        case .vector: "vectors"
        case .strings: "lists"
        }
    }
}
