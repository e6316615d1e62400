// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base

/// Values that lie in a row's tail.
extension PreparedWrite {
    mutating func takeTexts(
        _ source: [String], _ target: Target, _ categories: ByteTable?
    ) throws(FieldError) {
        try checkCount(source.count, target)
        for row in 0..<rowCount where isPresent(row, target) {
            let text = source[row].utf8Span.span
            guard text.count <= FeatureLimits.textByteCountMax else {
                refuse(
                    row, target.feature.name,
                    "is longer than \(FeatureLimits.textByteCountMax) bytes")
                continue
            }
            if let categories, categories.index(of: text) < 0 {
                refuse(row, target.feature.name, "is not one of the categories")
                continue
            }
            let start = tail.count
            unsafe text.withUnsafeBufferPointer { unsafe tail.append(contentsOf: $0) }
            try note(row, target, from: start)
        }
    }

    mutating func takeVectors(
        _ source: KassaV1.FloatVectors, _ target: Target, dimension: Int
    ) throws(FieldError) {
        guard source.dimension == UInt32(dimension) else {
            throw FieldError(
                field: "columns[\(target.place)].values.dimension", reason: "must be \(dimension)")
        }
        guard source.values.count == rowCount * dimension else {
            throw FieldError(
                field: "columns[\(target.place)].values", reason: "must be \(dimension) a row")
        }
        for row in 0..<rowCount where isPresent(row, target) {
            let components = row * dimension..<(row + 1) * dimension
            guard components.allSatisfy({ source.values[$0].isFinite }) else {
                refuse(row, target, "has a component that is no finite number", orNull: true)
                continue
            }
            let start = tail.count
            for index in components {
                let bits = source.values[index].bitPattern
                for shift in [0, 8, 16, 24] as [UInt32] {
                    tail.append(UInt8(truncatingIfNeeded: bits >> shift))
                }
            }
            try note(row, target, from: start)
        }
    }

    mutating func takeLists(
        _ source: [KassaV1.StringList], _ target: Target
    ) throws(FieldError) {
        try checkCount(source.count, target)
        for row in 0..<rowCount where isPresent(row, target) {
            if let reason = StringListBytes.refusal(of: source[row].values) {
                refuse(row, target.feature.name, reason)
                continue
            }
            let start = tail.count
            StringListBytes.append(source[row].values, to: &tail)
            try note(row, target, from: start)
        }
    }

    private func isPresent(_ row: Int, _ target: Target) -> Bool {
        states[target.cell(row)] == Presence.present.rawValue
    }

    /// Notes where in the tail a cell's value lies.
    private mutating func note(_ row: Int, _ target: Target, from start: Int) throws(FieldError) {
        // Both halves of the bits then hold what they must.
        guard tail.count <= FeatureLimits.tailByteCountMax else {
            throw FieldError(
                field: "columns",
                reason: "have more than \(FeatureLimits.tailByteCountMax) bytes of values")
        }
        bits[target.cell(row)] = UInt64(start) << 32 | UInt64(tail.count - start)
    }
}
