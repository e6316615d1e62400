// SPDX-License-Identifier: Apache-2.0

extension UBJSONReader {
    enum Number {
        case integer(Int)
        case single(Float)
        case double(Double)
    }

    /// Bytes of a number after its marker; nil if the marker is not a number's.
    static func width(of marker: UInt8) -> Int? {
        switch marker {
        case UInt8(ascii: "i"), UInt8(ascii: "U"): 1
        case UInt8(ascii: "I"): 2
        case UInt8(ascii: "l"), UInt8(ascii: "d"): 4
        case UInt8(ascii: "L"), UInt8(ascii: "D"): 8
        default: nil
        }
    }

    mutating func string() throws(ImportError) -> String {
        let start = position
        guard try takeMarker() == UInt8(ascii: "S") else {
            throw .syntax(offset: start, problem: "expected a string")
        }
        guard let string = String(validating: try textBytes(), as: UTF8.self) else {
            throw .syntax(offset: start, problem: "the string is not UTF-8")
        }
        return string
    }

    mutating func integer(in range: ClosedRange<Int>) throws(ImportError) -> Int {
        let start = position
        guard case .integer(let value) = try number() else {
            throw .syntax(offset: start, problem: "expected an integer")
        }
        guard range.contains(value) else {
            throw .syntax(
                offset: start,
                problem: "\(value) is outside \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    mutating func float() throws(ImportError) -> Float {
        let start = position
        let value = try floatOrNaN()
        guard value.isFinite else { throw .syntax(offset: start, problem: "expected a number") }
        return value
    }

    mutating func floatOrNaN() throws(ImportError) -> Float {
        let start = position
        let value: Float =
            switch try number() {
            case .integer(let value): Float(value)
            case .single(let value): value
            case .double(let value): Float(value)
            }
        guard !value.isInfinite else {
            throw .syntax(offset: start, problem: "the number is too large for a float32")
        }
        return value
    }

    mutating func boolean() throws(ImportError) -> Bool {
        let start = position
        switch try takeMarker() {
        case UInt8(ascii: "T"): return true
        case UInt8(ascii: "F"): return false
        default: throw .syntax(offset: start, problem: "expected true or false")
        }
    }

    /// A number of any type, with the marker that is its own or its array's.
    mutating func number() throws(ImportError) -> Number {
        let start = position
        let marker = try takeMarker()
        guard let width = Self.width(of: marker) else {
            throw .syntax(offset: start, problem: "expected a number")
        }
        guard width <= bytes.count - position else { throw refuse("the file ends too early") }
        var bits: UInt64 = 0
        for _ in 0..<width {
            bits = bits << 8 | UInt64(bytes[position])
            position += 1
        }
        return switch marker {
        case UInt8(ascii: "i"): .integer(Int(Int8(truncatingIfNeeded: bits)))
        case UInt8(ascii: "U"): .integer(Int(bits))
        case UInt8(ascii: "I"): .integer(Int(Int16(truncatingIfNeeded: bits)))
        case UInt8(ascii: "l"): .integer(Int(Int32(truncatingIfNeeded: bits)))
        case UInt8(ascii: "L"): .integer(Int(Int64(bitPattern: bits)))
        case UInt8(ascii: "d"): .single(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        default: .double(Double(bitPattern: bits))
        }
    }

    /// A length: an integer with a marker of its own.
    mutating func length() throws(ImportError) -> Int {
        let start = position
        guard let marker = peekByte(), let width = Self.width(of: marker),
            marker != UInt8(ascii: "d"), marker != UInt8(ascii: "D")
        else { throw refuse("expected a length") }
        position += 1
        guard width <= bytes.count - position else { throw refuse("the file ends too early") }
        var bits: UInt64 = 0
        for _ in 0..<width {
            bits = bits << 8 | UInt64(bytes[position])
            position += 1
        }
        // A set sign bit makes a number of one type negative, and of any type too large.
        let isUnsigned = marker == UInt8(ascii: "U")
        guard isUnsigned || bits >> UInt64(8 * width - 1) == 0 else {
            throw .syntax(offset: start, problem: "a length is negative")
        }
        return Int(bits)
    }

    /// The bytes of a string whose marker is consumed.
    mutating func textBytes() throws(ImportError) -> [UInt8] {
        let count = try length()
        guard count <= ImportLimits.stringBytesMax else {
            throw .limit("bytes in a string", max: ImportLimits.stringBytesMax)
        }
        guard count <= bytes.count - position else { throw refuse("the string has no end") }
        var text: [UInt8] = []
        text.reserveCapacity(count)
        for index in position..<position + count { text.append(bytes[index]) }
        position += count
        return text
    }
}
