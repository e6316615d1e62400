// SPDX-License-Identifier: Apache-2.0

extension JSONReader {
    /// A string.
    mutating func string() throws(ImportError) -> String {
        let start = position
        let text = try decodeString(keep: true)
        guard let string = String(validating: text, as: UTF8.self) else {
            throw .syntax(offset: start, problem: "the string is not UTF-8")
        }
        return string
    }

    /// The bytes of a string with its escapes resolved; none if they are not kept.
    mutating func decodeString(keep: Bool) throws(ImportError) -> [UInt8] {
        try consume(UInt8(ascii: "\""))
        var text: [UInt8] = []
        let start = position
        while true {
            guard position < bytes.count else { throw refuse("the string has no end") }
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return text }
            guard position - start <= ImportLimits.stringBytesMax else {
                throw .limit("bytes in a string", max: ImportLimits.stringBytesMax)
            }
            switch byte {
            case UInt8(ascii: "\\"):
                let scalar = try decodeEscape()
                if keep { text.append(contentsOf: String(scalar).utf8) }
            case 0..<0x20: throw refuse("a control character in a string")
            default: if keep { text.append(byte) }
            }
        }
    }

    /// The scalar of an escape whose backslash is consumed.
    private mutating func decodeEscape() throws(ImportError) -> Unicode.Scalar {
        guard position < bytes.count else { throw refuse("the string has no end") }
        let kind = bytes[position]
        position += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try decodeUnicodeEscape()
        default: throw refuse("an unknown escape in a string")
        }
    }

    private mutating func decodeUnicodeEscape() throws(ImportError) -> Unicode.Scalar {
        let unit = try fourHexDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // A high surrogate must be followed by a low one: together they are one scalar.
        guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw refuse("half a surrogate pair in a string") }
        position += 2
        let low = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        else { throw refuse("half a surrogate pair in a string") }
        return scalar
    }

    private mutating func fourHexDigits() throws(ImportError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count,
                let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
            else { throw refuse("\\u wants four hexadecimal digits") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
