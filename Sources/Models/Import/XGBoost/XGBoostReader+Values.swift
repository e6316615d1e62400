// SPDX-License-Identifier: Apache-2.0

extension XGBoostReader where Source: ~Escapable {
    /// A number of things, which XGBoost writes as a string: `"40"`.
    mutating func count(in field: String) throws(ImportError) -> Int {
        let text = try source.string()
        guard let value = Int(text), value >= 0, value <= Int(Int32.max) else {
            throw .field(field, problem: "is not a count")
        }
        return value
    }

    /// `base_score`: `"5E-1"` up to 3.0, `"[1.5E-1]"`, one number per output, from 3.1 on.
    mutating func baseScore() throws(ImportError) -> [Float] {
        let text = Array(try source.string().utf8)
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
        try source.enterArray()
        while try source.nextElement() {
            guard values.count < max else { throw .limit(what, max: max) }
            values.append(try source.integer(in: range))
        }
        return values
    }

    /// An array of at most `max` finite numbers.
    mutating func floats(
        atMost max: Int, called what: String
    ) throws(ImportError) -> [Float] {
        var values: [Float] = []
        try source.enterArray()
        while try source.nextElement() {
            guard values.count < max else { throw .limit(what, max: max) }
            values.append(try source.float())
        }
        return values
    }
}
