// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension JSONReader {
    /// A number in `range`, written without fraction or exponent.
    mutating func integer(in range: ClosedRange<Int>) throws(ImportError) -> Int {
        let number = try scanNumber()
        guard number.isInteger else {
            throw .syntax(offset: number.start, problem: "expected an integer")
        }
        let isNegative = bytes[number.start] == UInt8(ascii: "-")
        var value = 0
        for index in number.start + (isNegative ? 1 : 0)..<position {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let digit = Int(bytes[index] - UInt8(ascii: "0"))
            let (sum, overflowToo) =
                isNegative
                ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            guard !overflow, !overflowToo else {
                throw .syntax(offset: number.start, problem: "the integer is too large")
            }
            value = sum
        }
        guard range.contains(value) else {
            throw .syntax(
                offset: number.start,
                problem: "\(value) is outside \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    /// A number, correctly rounded to float32.
    mutating func float() throws(ImportError) -> Float {
        let number = try scanNumber()
        let text = text(of: number)
        // Safe: scanNumber allows 64 characters, so the last of the 65 bytes is still zero.
        let value = unsafe text.span.withUnsafeBufferPointer { unsafe strtof($0.baseAddress!, nil) }
        guard value.isFinite else {
            throw .syntax(offset: number.start, problem: "the number is too large for a float32")
        }
        return value
    }

    /// A number, or the word with which XGBoost writes the threshold of a split by category.
    mutating func floatOrNaN() throws(ImportError) -> Float {
        guard peek() == UInt8(ascii: "N") else { return try float() }
        try consumeWord("NaN")
        return .nan
    }

    /// A number, correctly rounded to float64.
    mutating func double() throws(ImportError) -> Double {
        let number = try scanNumber()
        let text = text(of: number)
        // Safe: scanNumber allows 64 characters, so the last of the 65 bytes is still zero.
        let value = unsafe text.span.withUnsafeBufferPointer { unsafe strtod($0.baseAddress!, nil) }
        guard value.isFinite else {
            throw .syntax(offset: number.start, problem: "the number is too large for a float64")
        }
        return value
    }

    /// Passes over a number; one that even a double cannot hold is refused all the same.
    mutating func skipNumber() throws(ImportError) {
        let number = try scanNumber()
        // A shorter exponent cannot overflow with the mantissa that the length limit allows.
        guard number.exponentDigits > 2 else { return }
        let text = text(of: number)
        // Safe: scanNumber allows 64 characters, so the last of the 65 bytes is still zero.
        let value = unsafe text.span.withUnsafeBufferPointer { unsafe strtod($0.baseAddress!, nil) }
        guard value.isFinite else {
            throw .syntax(offset: number.start, problem: "the number is too large")
        }
    }

    private struct Number {
        var start: Int
        var isInteger = true
        var exponentDigits = 0
    }

    /// Consumes one number by RFC 8259's grammar: no leading zero or plus, no NaN, no infinity.
    private mutating func scanNumber() throws(ImportError) -> Number {
        guard peek() != nil else { throw refuse("the file ends too early") }
        var number = Number(start: position)
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let whole = position
        guard skipDigits() > 0 else { throw refuse("expected a number") }
        guard bytes[whole] != UInt8(ascii: "0") || position == whole + 1 else {
            throw refuse("a number with a leading zero")
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            number.isInteger = false
            position += 1
            guard skipDigits() > 0 else { throw refuse("expected a digit after the point") }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            number.isInteger = false
            position += 1
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+")
            {
                position += 1
            }
            number.exponentDigits = skipDigits()
            guard number.exponentDigits > 0 else {
                throw refuse("expected a digit in the exponent")
            }
        }
        guard position - number.start <= ImportLimits.numberBytesMax else {
            throw .limit("characters in a number", max: ImportLimits.numberBytesMax)
        }
        return number
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count,
            bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9")
        {
            position += 1
        }
        return position - start
    }

    /// The text of `number` with a zero byte after it, for a C conversion.
    ///
    /// The process never calls `setlocale`, so the decimal separator is the point.
    private func text(of number: Number) -> [65 of CChar] {
        var text = [65 of CChar](repeating: 0)
        for index in number.start..<position {
            text[index - number.start] = CChar(bytes[index])
        }
        return text
    }
}
