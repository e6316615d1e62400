// SPDX-License-Identifier: Apache-2.0

internal import API

extension YAMLNode {
    /// A finite number.
    func number(_ key: String) throws(DocumentError) -> Double {
        guard let number = plain.flatMap(Self.number) else {
            throw DocumentError(.expected("a finite number", for: key), at: position)
        }
        return number
    }

    /// A list of finite numbers.
    func numbers(_ key: String) throws(DocumentError) -> [Double] {
        guard let numbers = list({ $0.plain.flatMap(Self.number) }) else {
            throw DocumentError(.expected("a list of finite numbers", for: key), at: position)
        }
        return numbers
    }

    /// A whole number from 0.
    func count(_ key: String) throws(DocumentError) -> UInt64 {
        guard let count = plain.flatMap({ UInt64($0) }) else {
            throw DocumentError(.expected("a whole number from 0", for: key), at: position)
        }
        return count
    }

    /// A list of whole numbers from 0.
    func counts(_ key: String) throws(DocumentError) -> [UInt64] {
        guard let counts = list({ $0.plain.flatMap { UInt64($0) } }) else {
            throw DocumentError(.expected("a list of whole numbers from 0", for: key), at: position)
        }
        return counts
    }

    /// A value whose type is seen from how it is written: `3`, `0.5`, `true`, `"text"`, `null`, or a
    /// list of numbers for a vector.
    func plainValue(_ key: String) throws(DocumentError) -> KassaV1.Value {
        if isNull { return KassaV1.Value(kind: .null(KassaV1.NullValue())) }
        if let plain {
            if let integer = Self.integer(plain) { return KassaV1.Value(kind: .integer(integer)) }
            if let number = Self.number(plain) { return KassaV1.Value(kind: .number(number)) }
            if let flag = Self.flag(plain) { return KassaV1.Value(kind: .flag(flag)) }
        }
        if let scalar { return KassaV1.Value(kind: .text(scalar)) }
        let components = try numbers(key).map { Float($0) }
        return KassaV1.Value(kind: .vector(KassaV1.FloatVector(values: components)))
    }
}
