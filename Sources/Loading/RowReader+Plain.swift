// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc

/// Lines of CSV without quotes, which are most: their ends are found without looking at each byte.
extension RowReader {
    /// The next record, of which only the cells of the file's first `columnCount` columns are there, if
    /// it is a line without quotes; what is wrong behind them is found when it is read again.
    mutating func next(firstColumns columnCount: Int) throws(LoadError) -> Outcome {
        guard format == .csv, hasHeader else { return try next() }
        skipBlankLines()
        guard let end = plainLineEnd(from: position) else { return try next() }
        _ = try takePlainLine(to: end, columnsMax: columnCount)
        return .row
    }

    /// Where the line ends that begins at `start`; nil if its end is not there yet, or it has quotes.
    func plainLineEnd(from start: Int) -> Int? {
        let bytes = window.bytes
        guard let end = bytes.firstPlace(of: 0x0A, in: start..<bytes.count) else { return nil }
        return bytes.firstPlace(of: 0x22, in: start..<end) == nil ? end : nil
    }

    /// Takes the cells of a line without quotes that ends at `end`, and returns how many fields it has,
    /// `columnsMax` at most.
    mutating func takePlainLine(to end: Int, columnsMax: Int) throws(LoadError) -> Int {
        guard end + 1 - position <= LoadingLimits.recordByteCountMax else {
            throw .recordTooLong(line: line)
        }
        var found = cells
        cells = []
        for place in found.indices { found[place] = Cell() }
        unescaped.removeAll()
        let count = splitPlainLine(to: end, columnsMax: columnsMax, into: &found)
        cells = found
        advance(to: end + 1, lines: 1)
        return count
    }

    private func splitPlainLine(to end: Int, columnsMax: Int, into found: inout [Cell]) -> Int {
        let bytes = window.bytes
        // RFC 4180 ends lines with CRLF.
        let textEnd = end > position && bytes[end - 1] == 0x0D ? end - 1 : end
        var next = position
        var column = 0
        while column < columnsMax {
            let fieldEnd = bytes.plainFieldEnd(delimiter, from: next, to: textEnd)
            if column < places.count, places[column] >= 0 {
                found[places[column]] = Cell(
                    kind: fieldEnd == next ? .empty : .text, start: next, count: fieldEnd - next)
            }
            column += 1
            guard fieldEnd < textEnd else { break }
            next = fieldEnd + 1
        }
        return column
    }
}

extension Span<UInt8> {
    /// The first place of `byte` in `range`, which must lie inside; nil if it is not there. `memchr`.
    func firstPlace(of byte: UInt8, in range: Range<Int>) -> Int? {
        let part = extracting(range)
        // Safe: memchr reads within the part, and what it finds lies there.
        return unsafe part.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress,
                let found = unsafe memchr(base, Int32(byte), buffer.count)
            else { return nil }
            return unsafe range.lowerBound + (UnsafeRawPointer(found) - UnsafeRawPointer(base))
        }
    }

    /// The first place of `delimiter` from `start` on, or `end`. Fields are short: eight bytes at a time.
    @inline(__always)
    fileprivate func plainFieldEnd(_ delimiter: UInt8, from start: Int, to end: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let pattern = ones &* UInt64(delimiter)
        var next = start
        while next &+ 8 <= end {
            // Safe: the eight bytes lie before `end`, which is in bounds.
            let word = UInt64(
                littleEndian: unsafe self.bytes.unsafeLoadUnaligned(
                    fromByteOffset: next, as: UInt64.self))
            // The lowest high bit that is set is that of the first byte equal to the delimiter.
            let different = word ^ pattern
            let zeros = (different &- ones) & ~different & (ones &* 0x80)
            if zeros != 0 { return next &+ zeros.trailingZeroBitCount / 8 }
            next &+= 8
        }
        while next < end, self[next] != delimiter { next += 1 }
        return next
    }
}
