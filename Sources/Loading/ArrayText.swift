// SPDX-License-Identifier: Apache-2.0

/// JSON arrays as cells hold them: the components of a vector, or the strings of a list.
enum ArrayText {
    /// Appends the numbers of an array; false, and nothing appended, if the text is no array of `count`
    /// finite float32.
    static func append(_ text: Span<UInt8>, count: Int, to values: inout [Float]) -> Bool {
        let before = values.count
        var next = 0
        guard takeNumbers(text, &next, to: &values), values.count - before == count else {
            values.removeSubrange(before...)
            return false
        }
        return true
    }

    private static func takeNumbers(
        _ text: Span<UInt8>, _ next: inout Int, to values: inout [Float]
    ) -> Bool {
        guard take(UInt8(ascii: "["), text, &next) else { return false }
        if take(UInt8(ascii: "]"), text, &next) { return isEnd(text, &next) }
        while true {
            skipSpace(text, &next)
            let start = next
            while next < text.count, isOfNumber(text[next]) { next += 1 }
            guard let value = NumberText.float(text.extracting(start..<next)) else { return false }
            values.append(value)
            if take(UInt8(ascii: "]"), text, &next) { return isEnd(text, &next) }
            guard take(UInt8(ascii: ","), text, &next) else { return false }
        }
    }

    /// The strings of an array; nil if the text is no array of strings.
    static func strings(_ text: Span<UInt8>) -> [String]? {
        var next = 0
        var found: [String] = []
        guard take(UInt8(ascii: "["), text, &next) else { return nil }
        if take(UInt8(ascii: "]"), text, &next) { return isEnd(text, &next) ? found : nil }
        while true {
            guard let string = string(text, &next) else { return nil }
            found.append(string)
            if take(UInt8(ascii: "]"), text, &next) { return isEnd(text, &next) ? found : nil }
            guard take(UInt8(ascii: ","), text, &next) else { return nil }
        }
    }

    private static func string(_ text: Span<UInt8>, _ next: inout Int) -> String? {
        guard take(UInt8(ascii: "\""), text, &next) else { return nil }
        var bytes: [UInt8] = []
        while next < text.count {
            let byte = text[next]
            next += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard unescape(text, &next, to: &bytes) else { return nil }
            case 0..<0x20: return nil
            default: bytes.append(byte)
            }
        }
        return nil
    }

    private static func unescape(
        _ text: Span<UInt8>, _ next: inout Int, to bytes: inout [UInt8]
    ) -> Bool {
        guard next < text.count else { return false }
        let escape = text[next]
        next += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(escape)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            guard var code = hexadecimal(text, &next) else { return false }
            if code & 0xFC00 == 0xD800 {
                guard text.count - next >= 2, text[next] == UInt8(ascii: "\\"),
                    text[next + 1] == UInt8(ascii: "u")
                else { return false }
                next += 2
                guard let low = hexadecimal(text, &next), low & 0xFC00 == 0xDC00 else {
                    return false
                }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(code) else { return false }
            bytes.append(contentsOf: String(Character(scalar)).utf8)
        default: return false
        }
        return true
    }

    private static func hexadecimal(_ text: Span<UInt8>, _ next: inout Int) -> UInt32? {
        guard text.count - next >= 4 else { return nil }
        var code: UInt32 = 0
        for _ in 0..<4 {
            let byte = text[next]
            guard byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                return nil
            }
            code = code << 4 | UInt32(digit)
            next += 1
        }
        return code
    }

    private static func take(_ byte: UInt8, _ text: Span<UInt8>, _ next: inout Int) -> Bool {
        skipSpace(text, &next)
        guard next < text.count, text[next] == byte else { return false }
        next += 1
        return true
    }

    private static func isEnd(_ text: Span<UInt8>, _ next: inout Int) -> Bool {
        skipSpace(text, &next)
        return next == text.count
    }

    private static func skipSpace(_ text: Span<UInt8>, _ next: inout Int) {
        while next < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[next]) { next += 1 }
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        byte &- 48 < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e")
    }
}
