// SPDX-License-Identifier: Apache-2.0

extension XGBoostJSONReader {
    /// A number of things, which XGBoost writes as a string: `"40"`.
    mutating func count(in field: String) throws(ImportError) -> Int {
        let text = try json.string()
        guard let value = Int(text), value >= 0, value <= Int(Int32.max) else {
            throw .field(field, problem: "is not a count")
        }
        return value
    }

    /// `base_score`: `"5E-1"` up to 3.0, `"[1.5E-1]"`, one number per output, from 3.1 on.
    mutating func baseScore() throws(ImportError) -> [Float] {
        let text = Array(try json.string().utf8)
        do throws(ImportError) {
            var inner = JSONReader(text.span)
            var values: [Float] = []
            if inner.peek() == UInt8(ascii: "[") {
                try inner.enterArray()
                while try inner.nextElement() { values.append(try inner.float()) }
            } else {
                values.append(try inner.float())
            }
            try inner.finish()
            return values
        } catch {
            throw .field("base_score", problem: "is not a finite number (\(error))")
        }
    }

    /// An array of at most `max` integers in `range`.
    mutating func integers(
        atMost max: Int, called what: String, in range: ClosedRange<Int>
    ) throws(ImportError) -> [Int] {
        var values: [Int] = []
        try json.enterArray()
        while try json.nextElement() {
            guard values.count < max else { throw .limit(what, max: max) }
            values.append(try json.integer(in: range))
        }
        return values
    }
}
