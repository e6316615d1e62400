// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The lines of a text of `key=value`s, one at a time, without copying them.
struct LineReader: ~Escapable {
    let bytes: Span<UInt8>
    /// Offset of the first byte of the next line.
    private(set) var position = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// A line cut at its first `=`: the places of both halves.
    struct Line {
        var key: Range<Int>
        var value: Range<Int>
    }

    /// The next line that is not empty; nil at the end.
    mutating func next() throws(ImportError) -> Line? {
        while position < bytes.count {
            let start = position
            var equals: Int?
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") {
                if equals == nil, bytes[position] == UInt8(ascii: "=") { equals = position }
                position += 1
            }
            var end = position
            if position < bytes.count { position += 1 }
            guard end - start <= ImportLimits.lineBytesMax else {
                throw .limit("bytes in a line", max: ImportLimits.lineBytesMax)
            }
            if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            guard end > start else { continue }
            let cut = min(equals ?? end, end)
            return Line(key: start..<cut, value: min(cut + 1, end)..<end)
        }
        return nil
    }

    /// The text at `range`; what is not UTF-8 is replaced.
    func text(_ range: Range<Int>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        for index in range { text.append(bytes[index]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The next word of `range`, which loses it; words stand between spaces.
    func word(_ range: inout Range<Int>) -> Range<Int>? {
        var start = range.lowerBound
        while start < range.upperBound, bytes[start] == UInt8(ascii: " ") { start += 1 }
        guard start < range.upperBound else { return nil }
        var end = start
        while end < range.upperBound, bytes[end] != UInt8(ascii: " ") { end += 1 }
        range = end..<range.upperBound
        return start..<end
    }

    /// Every word of `range`, at most `max` of them.
    func words(
        _ range: Range<Int>, atMost max: Int, called what: String
    ) throws(ImportError) -> [String] {
        var rest = range
        var words: [String] = []
        while let word = word(&rest) {
            guard words.count < max else { throw .limit(what, max: max) }
            words.append(text(word))
        }
        return words
    }

    /// The whole numbers of `range`, at most `max` of them.
    func integers(
        _ range: Range<Int>, atMost max: Int, called what: String
    ) throws(ImportError) -> [Int] {
        var rest = range
        var values: [Int] = []
        while let word = word(&rest) {
            guard values.count < max else { throw .limit(what, max: max) }
            values.append(try integer(word))
        }
        return values
    }

    /// The finite numbers of `range`, at most `max` of them; `inf` counts as one if it may.
    func doubles(
        _ range: Range<Int>, atMost max: Int, called what: String, orInfinity: Bool = false
    ) throws(ImportError) -> [Double] {
        var rest = range
        var values: [Double] = []
        while let word = word(&rest) {
            guard values.count < max else { throw .limit(what, max: max) }
            values.append(orInfinity && isInfinity(word) ? .infinity : try double(word))
        }
        return values
    }

    private func isInfinity(_ word: Range<Int>) -> Bool {
        word.count == 3 && text(word) == "inf"
    }

    /// The one whole number at `range`.
    func integer(_ range: Range<Int>) throws(ImportError) -> Int {
        guard let value = Int(text(range)) else {
            throw .syntax(offset: range.lowerBound, problem: "expected a whole number")
        }
        return value
    }

    /// The one number at `range`, correctly rounded to float64.
    func double(_ range: Range<Int>) throws(ImportError) -> Double {
        guard range.count <= ImportLimits.numberBytesMax else {
            throw .limit("characters in a number", max: ImportLimits.numberBytesMax)
        }
        var text = [65 of CChar](repeating: 0)
        for (place, index) in range.enumerated() {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"):
                text[place] = CChar(bytes[index])
            default:
                throw .syntax(offset: index, problem: "expected a number")
            }
        }
        // Safe: the text is at most 64 characters, so the last of the 65 bytes is still zero.
        let (value, length) = unsafe text.span.withUnsafeBufferPointer { text in
            var end: UnsafeMutablePointer<CChar>?
            let value = unsafe strtod(text.baseAddress!, &end)
            return unsafe (
                value,
                end.map { unsafe $0 - UnsafeMutablePointer(mutating: text.baseAddress!) } ?? 0
            )
        }
        guard length == range.count, length > 0 else {
            throw .syntax(offset: range.lowerBound, problem: "expected a number")
        }
        guard value.isFinite else {
            throw .syntax(offset: range.lowerBound, problem: "the number is too large")
        }
        return value
    }
}
