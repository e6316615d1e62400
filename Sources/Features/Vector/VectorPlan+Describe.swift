// SPDX-License-Identifier: Apache-2.0

package import API

extension VectorPlan {
    /// What a number of the vector says, as the API has values: a null for NaN, a category's text for its
    /// code, an int64 as near as a float64 came to it, seconds for a timestamp, a vector's component.
    ///
    /// For replies that include the features; it allocates.
    package func describe(_ value: Double, ofInput input: Int) -> KassaV1.Value {
        guard !value.isNaN else { return KassaV1.Value(kind: .null(KassaV1.NullValue())) }
        switch types[input] {
        case .float32, .float64, .timestamp, .vector:
            return KassaV1.Value(kind: .number(value))
        case .int64:
            // 2^63, which Int64.max rounds to, is no Int64.
            return KassaV1.Value(kind: .integer(Int64(exactly: value) ?? .max))
        case .bool:
            return KassaV1.Value(kind: .flag(value != 0))
        case .string:
            return KassaV1.Value(kind: category(value, ofInput: input))
        case .strings:
            return KassaV1.Value(kind: .null(KassaV1.NullValue()))
        }
    }

    /// The only category that has a code; the code itself if none has it, or several.
    private func category(_ code: Double, ofInput input: Int) -> KassaV1.Value.Kind {
        let first = unsafe rules[input].firstCode
        var found: String?
        for (index, category) in categories[input].enumerated()
        where unsafe Double(codes[first + index]) == code {
            guard found == nil else { return .number(code) }
            found = category
        }
        return found.map { .text($0) } ?? .number(code)
    }
}
