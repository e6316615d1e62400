// SPDX-License-Identifier: Apache-2.0

internal import Base

private let lineFeed = UInt8(ascii: "\n")

/// JSON Lines: an object a line (RFC 8259), in UTF-8.
extension RowReader {
    mutating func nextJSON() -> Outcome {
        while true {
            let count = window.count
            let end = lineEnd(from: position)
            let isWhole = end < count
            guard isWhole || isAtEnd else {
                if count - position > LoadingLimits.recordByteCountMax || isSkipping {
                    return passOver(to: count)
                }
                return .needsMore
            }
            let start = position
            if isSkipping {
                isSkipping = false
                offset += min(end + 1, count) - position
                position = min(end + 1, count)
                line += isWhole ? 1 : 0
                continue
            }
            guard start < count else { return .end }
            advance(to: min(end + 1, count), lines: isWhole ? 1 : 0)
            guard end - start < LoadingLimits.recordByteCountMax else {
                return .malformed(Self.tooLong)
            }
            if isBlank(start..<end) { continue }
            for place in cells.indices { cells[place] = Cell() }
            unescaped.removeAll()
            do throws(Malformed) {
                var next = start
                try object(&next, end: end)
                return .row
            } catch {
                return .malformed(error.reason)
            }
        }
    }

    /// Where the line ends, or where the window does.
    private func lineEnd(from start: Int) -> Int {
        let bytes = window.bytes
        var end = start
        while end < bytes.count, bytes[end] != lineFeed { end += 1 }
        return end
    }

    /// Why a line over the limit is rejected.
    static var tooLong: String { "is longer than \(LoadingLimits.recordByteCountMax) bytes" }

    /// Drops the begin of a line over the limit, or more of it.
    private mutating func passOver(to end: Int) -> Outcome {
        let isFirst = !isSkipping
        isSkipping = true
        recordLine = line
        offset += end - position
        position = end
        return isFirst ? .malformed(Self.tooLong) : .needsMore
    }

    private func isBlank(_ range: Range<Int>) -> Bool {
        let bytes = window.bytes
        for index in range where !isSpace(bytes[index]) { return false }
        return true
    }

    /// Why a line is not an object that can be read.
    struct Malformed: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }

    private func skipSpace(_ next: inout Int, _ end: Int) {
        let bytes = window.bytes
        while next < end, isSpace(bytes[next]) { next += 1 }
    }

    /// Takes the byte that must come, behind white space.
    private func expect(
        _ byte: UInt8, _ next: inout Int, _ end: Int
    ) throws(Malformed) {
        skipSpace(&next, end)
        guard next < end, window.bytes[next] == byte else {
            throw Malformed(
                "is no JSON object: \"\(Character(Unicode.Scalar(byte)))\" is missing")
        }
        next += 1
    }

    private mutating func object(_ next: inout Int, end: Int) throws(Malformed) {
        try expect(UInt8(ascii: "{"), &next, end)
        skipSpace(&next, end)
        if next < end, byte(next) == UInt8(ascii: "}") {
            next += 1
        } else {
            while true {
                skipSpace(&next, end)
                guard next < end, byte(next) == UInt8(ascii: "\"") else {
                    throw Malformed("is no JSON object: a key is missing")
                }
                let key = try string(&next, end: end)
                let place = place(of: key)
                try expect(UInt8(ascii: ":"), &next, end)
                let cell = try value(&next, end: end)
                if place >= 0 {
                    guard cells[place].kind == .absent else {
                        throw Malformed("has a key twice")
                    }
                    cells[place] = cell
                }
                skipSpace(&next, end)
                guard next < end else { throw Malformed("is no JSON object: \"}\" is missing") }
                let byte = self.byte(next)
                next += 1
                if byte == UInt8(ascii: "}") { break }
                guard byte == UInt8(ascii: ",") else {
                    throw Malformed("is no JSON object: a comma is missing")
                }
            }
        }
        skipSpace(&next, end)
        guard next == end else { throw Malformed("has text behind the object") }
    }

    private func place(of key: Cell) -> Int {
        sources.index(of: bytes(of: key))
    }

    private mutating func value(_ next: inout Int, end: Int) throws(Malformed) -> Cell {
        skipSpace(&next, end)
        guard next < end else { throw Malformed("is no JSON object: a value is missing") }
        switch byte(next) {
        case UInt8(ascii: "\""): return try string(&next, end: end)
        case UInt8(ascii: "t"): return try word("true", .true, &next, end)
        case UInt8(ascii: "f"): return try word("false", .false, &next, end)
        case UInt8(ascii: "n"): return try word("null", .null, &next, end)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return try nested(&next, end)
        default: return try number(&next, end)
        }
    }

    private func word(
        _ word: StaticString, _ kind: Cell.Kind, _ next: inout Int, _ end: Int
    ) throws(Malformed) -> Cell {
        let count = word.utf8CodeUnitCount
        guard end - next >= count else { throw Malformed("has a value that is no JSON") }
        let bytes = window.bytes
        for index in 0..<count where unsafe bytes[next + index] != word.utf8Start[index] {
            throw Malformed("has a value that is no JSON")
        }
        next += count
        return Cell(kind: kind)
    }

    /// `-? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?`
    private func number(_ next: inout Int, _ end: Int) throws(Malformed) -> Cell {
        let bytes = window.bytes
        let start = next
        func digits() -> Int {
            let first = next
            while next < end, bytes[next] &- 48 < 10 { next += 1 }
            return next - first
        }
        if bytes[next] == UInt8(ascii: "-") { next += 1 }
        let whole = next
        let wholeCount = digits()
        var isNumber = wholeCount == 1 || (wholeCount > 1 && bytes[whole] != UInt8(ascii: "0"))
        if next < end, bytes[next] == UInt8(ascii: ".") {
            next += 1
            isNumber = isNumber && digits() > 0
        }
        if next < end, bytes[next] | 0x20 == UInt8(ascii: "e") {
            next += 1
            if next < end, bytes[next] == UInt8(ascii: "+") || bytes[next] == UInt8(ascii: "-") {
                next += 1
            }
            isNumber = isNumber && digits() > 0
        }
        guard isNumber else { throw Malformed("has a value that is no JSON") }
        return Cell(kind: .number, start: start, count: next - start)
    }

    /// Passes over an object or an array; what is in it is only held together by its brackets.
    private mutating func nested(_ next: inout Int, _ end: Int) throws(Malformed) -> Cell {
        let start = next
        var depth = 0
        repeat {
            guard next < end else { throw Malformed("is no JSON object: a bracket is missing") }
            switch byte(next) {
            case UInt8(ascii: "\""):
                let count = unescaped.count
                _ = try string(&next, end: end)
                unescaped.truncate(to: count)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            guard depth <= LoadingLimits.nestingMax else {
                throw Malformed("is nested deeper than \(LoadingLimits.nestingMax)")
            }
            next += 1
        } while depth > 0
        return Cell(kind: .nested, start: start, count: next - start)
    }

    private mutating func string(_ next: inout Int, end: Int) throws(Malformed) -> Cell {
        next += 1
        let start = next
        while next < end {
            let byte = self.byte(next)
            if byte == UInt8(ascii: "\"") {
                next += 1
                return Cell(kind: .text, start: start, count: next - 1 - start)
            }
            guard byte >= 0x20 else { throw Malformed("has a control character in a string") }
            if byte == UInt8(ascii: "\\") { return try escapedString(start, &next, end) }
            next += 1
        }
        throw Malformed("is no JSON object: a string does not end")
    }

    private mutating func escapedString(
        _ start: Int, _ next: inout Int, _ end: Int
    ) throws(Malformed) -> Cell {
        let first = unescaped.count
        for index in start..<next {
            let byte = self.byte(index)
            unescaped.append(byte)
        }
        while next < end {
            let current = byte(next)
            next += 1
            switch current {
            case UInt8(ascii: "\""):
                return Cell(
                    kind: .text, isUnescaped: true, start: first, count: unescaped.count - first)
            case UInt8(ascii: "\\"):
                guard next < end else { break }
                let escape = byte(next)
                next += 1
                try unescape(escape, &next, end)
            case 0..<0x20: throw Malformed("has a control character in a string")
            default: unescaped.append(current)
            }
        }
        throw Malformed("is no JSON object: a string does not end")
    }

    private mutating func unescape(
        _ escape: UInt8, _ next: inout Int, _ end: Int
    ) throws(Malformed) {
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(escape)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal(&next, end)
            if code & 0xFC00 == 0xD800, next + 1 < end,
                window.bytes[next] == UInt8(ascii: "\\"),
                window.bytes[next + 1] == UInt8(ascii: "u")
            {
                next += 2
                let low = try hexadecimal(&next, end)
                guard low & 0xFC00 == 0xDC00 else { throw Malformed("has half a surrogate pair") }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw Malformed("has half a surrogate pair")
            }
            for byte in UTF8.encode(scalar)! { unescaped.append(byte) }
        default: throw Malformed("has an escape that is no JSON")
        }
    }

    private func hexadecimal(_ next: inout Int, _ end: Int) throws(Malformed) -> UInt32 {
        guard end - next >= 4 else { throw Malformed("has an escape that is no JSON") }
        var code: UInt32 = 0
        for index in next..<next + 4 {
            guard let digit = Character(Unicode.Scalar(window.bytes[index])).hexDigitValue,
                window.bytes[index] < 0x80
            else { throw Malformed("has an escape that is no JSON") }
            code = code << 4 | UInt32(digit)
        }
        next += 4
        return code
    }
}
