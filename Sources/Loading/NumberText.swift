// SPDX-License-Identifier: Apache-2.0

/// Numbers as text, read to the nearest value of their type.
///
/// Most have few digits and small exponents; those are computed from two exact numbers with one
/// rounding. The rest goes through the standard library.
enum NumberText {
    /// A decimal number: its digits as an integer, and the power of ten to multiply it with.
    private struct Decimal {
        var isNegative = false
        var digits: UInt64 = 0
        var exponent = 0
        /// Whether `digits` holds all digits there are.
        var isExact = true
    }

    private static let powers: [23 of Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The nearest float64; nil if the text is no decimal number, or one out of range.
    static func double(_ text: Span<UInt8>) -> Double? {
        guard let decimal = decimal(text) else { return nil }
        if let exact = quotient(decimal) { return exact }
        guard let value = Double(string(text)), value.isFinite else { return nil }
        return value
    }

    /// The nearest float32; nil if the text is no decimal number, or one out of range.
    static func float(_ text: Span<UInt8>) -> Float? {
        guard let decimal = decimal(text) else { return nil }
        // Rounded twice, a float64 halfway between two float32 may go the wrong way.
        if let double = quotient(decimal), double.bitPattern & 0x1FFF_FFFF != 0x1000_0000,
            double == 0 || double.magnitude >= Double(Float.leastNormalMagnitude)
        {
            let value = Float(double)
            return value.isFinite ? value : nil
        }
        guard let value = Float(string(text)), value.isFinite else { return nil }
        return value
    }

    /// The integer; nil if the text is no whole number, or one out of range.
    static func integer(_ text: Span<UInt8>) -> Int64? {
        var index = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative || (text.count > 0 && text[0] == UInt8(ascii: "+")) { index = 1 }
        guard index < text.count else { return nil }
        var value: Int64 = 0
        while index < text.count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            let (tens, over) = value.multipliedReportingOverflow(by: 10)
            let (next, overAgain) =
                isNegative
                ? tens.subtractingReportingOverflow(Int64(digit))
                : tens.addingReportingOverflow(Int64(digit))
            guard !over, !overAgain else { return nil }
            value = next
            index += 1
        }
        return value
    }

    /// The product or quotient of two exact float64, which is rounded once; nil if it is neither.
    private static func quotient(_ decimal: Decimal) -> Double? {
        guard decimal.isExact, decimal.digits <= 1 << 53, decimal.exponent.magnitude <= 22 else {
            return nil
        }
        let digits = Double(decimal.digits)
        let power = powers[Int(decimal.exponent.magnitude)]
        let value = decimal.exponent < 0 ? digits / power : digits * power
        return decimal.isNegative ? -value : value
    }

    private static func decimal(_ text: Span<UInt8>) -> Decimal? {
        plainDecimal(text) ?? anyDecimal(text)
    }

    /// The usual number: a sign, up to 17 digits and a point among them; nil for any other text.
    @inline(__always)
    private static func plainDecimal(_ text: Span<UInt8>) -> Decimal? {
        let count = text.count
        guard count > 0, count <= 18 else { return nil }
        let isNegative = text[0] == UInt8(ascii: "-")
        var index = isNegative ? 1 : 0
        let start = index
        var digits: UInt64 = 0
        var point = -1
        while index < count {
            let digit = text[index] &- 48
            if digit < 10 {
                // Seventeen digits are below 2^64.
                digits = digits &* 10 &+ UInt64(digit)
            } else {
                guard digit == UInt8(ascii: ".") &- 48, point < 0 else { return nil }
                point = index
            }
            index &+= 1
        }
        let digitCount = count - start - (point < 0 ? 0 : 1)
        guard digitCount > 0, digitCount <= 17 else { return nil }
        return Decimal(
            isNegative: isNegative, digits: digits,
            exponent: point < 0 ? 0 : point + 1 - count)
    }

    private static func anyDecimal(_ text: Span<UInt8>) -> Decimal? {
        var decimal = Decimal()
        var index = 0
        let count = text.count
        if index < count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            decimal.isNegative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        var digitCount = 0
        var isFraction = false
        while index < count {
            let byte = text[index]
            let digit = byte &- 48
            if digit < 10 {
                digitCount += 1
                if decimal.digits < 100_000_000_000_000_000 {
                    decimal.digits = decimal.digits * 10 + UInt64(digit)
                    if isFraction { decimal.exponent -= 1 }
                } else {
                    decimal.isExact = false
                }
            } else if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else {
                break
            }
            index += 1
        }
        guard digitCount > 0 else { return nil }
        guard index < count else { return decimal }
        guard text[index] | 0x20 == UInt8(ascii: "e") else { return nil }
        index += 1
        var isNegative = false
        if index < count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            isNegative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        guard index < count else { return nil }
        var exponent = 0
        while index < count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            // Far beyond what any type holds, and far from an overflow.
            exponent = min(exponent * 10 + Int(digit), 100_000)
            index += 1
        }
        decimal.exponent += isNegative ? -exponent : exponent
        return decimal
    }

    /// The text of a number, whose characters were checked to be ASCII.
    private static func string(_ text: Span<UInt8>) -> String {
        String(decoding: text.indices.map { text[$0] }, as: UTF8.self)
    }
}
