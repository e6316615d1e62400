// SPDX-License-Identifier: Apache-2.0

internal import Base

private let quote = UInt8(ascii: "\"")
private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")

/// Comma-separated values (RFC 4180): CRLF or LF, quoted fields, a header row.
extension RowReader {
    /// A field where it lies in the window, quotes left out.
    private struct Field {
        var start: Int
        var count: Int
        var isQuoted = false
        /// Whether it has doubled quotes.
        var hasEscapes = false
        /// Where what follows it begins.
        var end = 0
        var isLast = false
        /// Line ends in it and behind it.
        var lines = 0
    }

    private enum FieldResult {
        case field(Field)
        case needsMore
        case unclosed
        /// Not a field; the record ends somewhere behind.
        case malformed(String)
    }

    /// Reads the names of the columns; false if they are not all there yet.
    package mutating func readHeader() throws(LoadError) -> Bool {
        // A byte order mark is no part of the first name.
        guard isAtEnd || window.count >= 3 else { return false }
        if window.count >= 3, offset == 0,
            window.bytes[0] == 0xEF, window.bytes[1] == 0xBB, window.bytes[2] == 0xBF
        {
            position = 3
            offset = 3
        }
        guard position < window.count else {
            guard isAtEnd else { return false }
            throw .header("is missing: the file is empty")
        }
        var names: [String] = []
        var next = position
        var lines = 0
        unescaped.removeAll()
        while true {
            switch field(at: next) {
            case .needsMore:
                try checkLength()
                return false
            case .unclosed: throw .unclosedQuote(line: line)
            case .malformed(let reason): throw .header(reason)
            case .field(let field):
                let cell = cell(of: field)
                guard let name = text(of: cell) else {
                    throw .header("is not UTF-8 in column \(names.count + 1)")
                }
                names.append(name)
                guard names.count <= LoadingLimits.columnsMax else {
                    throw .header("has more than \(LoadingLimits.columnsMax) columns")
                }
                next = field.end
                lines += field.lines
                guard field.isLast else { continue }
            }
            break
        }
        advance(to: next, lines: lines)
        guard Set(names).count == names.count else { throw .header("names a column twice") }
        columnNames = names
        places = names.map { sources.index(of: $0.utf8Span.span) }
        hasHeader = true
        return true
    }

    mutating func nextCSV() throws(LoadError) -> Outcome {
        skipBlankLines()
        guard position < window.count else { return isAtEnd ? .end : .needsMore }
        if let end = plainLineEnd(from: position) {
            let count = try takePlainLine(to: end, columnsMax: .max)
            return count == places.count ? .row : wrongCount(count)
        }
        for place in cells.indices { cells[place] = Cell() }
        unescaped.removeAll()
        var next = position
        var column = 0
        var lines = 0
        while true {
            switch field(at: next) {
            case .needsMore:
                try checkLength()
                return .needsMore
            case .unclosed:
                throw .unclosedQuote(line: line)
            case .malformed(let reason):
                return try skipLine(reason)
            case .field(let field):
                if column < places.count, places[column] >= 0 {
                    cells[places[column]] = cell(of: field)
                }
                column += 1
                next = field.end
                lines += field.lines
                guard field.isLast else { continue }
            }
            break
        }
        guard next - position <= LoadingLimits.recordByteCountMax else {
            throw .recordTooLong(line: line)
        }
        advance(to: next, lines: lines)
        return column == places.count ? .row : wrongCount(column)
    }

    private func wrongCount(_ count: Int) -> Outcome {
        .malformed("has \(count) fields; the header has \(places.count)")
    }

    mutating func skipBlankLines() {
        while position < window.count {
            let first = byte(position)
            if first == lineFeed {
                advance(to: position + 1, lines: 1)
            } else if first == carriageReturn, position + 1 < window.count,
                byte(position + 1) == lineFeed
            {
                advance(to: position + 2, lines: 1)
            } else {
                return
            }
        }
    }

    func checkLength() throws(LoadError) {
        guard window.count - position <= LoadingLimits.recordByteCountMax else {
            throw .recordTooLong(line: line)
        }
    }

    /// Passes over a record of which one field is malformed: to the end of its line.
    private mutating func skipLine(_ reason: String) throws(LoadError) -> Outcome {
        var end = position
        while end < window.count, window.bytes[end] != lineFeed { end += 1 }
        guard end < window.count || isAtEnd else {
            try checkLength()
            return .needsMore
        }
        advance(to: min(end + 1, window.count), lines: 1)
        return .malformed(reason)
    }

    /// The field that begins at `start`.
    private func field(at start: Int) -> FieldResult {
        let bytes = window.bytes
        let count = bytes.count
        if start < count, bytes[start] == quote { return quotedField(at: start + 1) }
        var end = start
        while end < count {
            let byte = bytes[end]
            if byte == delimiter {
                return .field(Field(start: start, count: end - start, end: end + 1))
            }
            if byte == lineFeed {
                let hasReturn = end > start && bytes[end - 1] == carriageReturn
                return .field(
                    Field(
                        start: start, count: end - start - (hasReturn ? 1 : 0), end: end + 1,
                        isLast: true, lines: 1))
            }
            if byte == quote { return .malformed("has a quote within an unquoted field") }
            end += 1
        }
        guard isAtEnd else { return .needsMore }
        return .field(Field(start: start, count: end - start, end: end, isLast: true))
    }

    private func quotedField(at start: Int) -> FieldResult {
        let bytes = window.bytes
        let count = bytes.count
        var end = start
        var hasEscapes = false
        var lines = 0
        while true {
            while end < count, bytes[end] != quote {
                if bytes[end] == lineFeed { lines += 1 }
                end += 1
            }
            guard end < count else { return isAtEnd ? .unclosed : .needsMore }
            guard end + 1 < count || isAtEnd else { return .needsMore }
            guard end + 1 < count, bytes[end + 1] == quote else { break }
            hasEscapes = true
            end += 2
        }
        var field = Field(
            start: start, count: end - start, isQuoted: true, hasEscapes: hasEscapes,
            end: end + 1, lines: lines)
        guard field.end < count else {
            field.isLast = true
            return .field(field)
        }
        var next = bytes[field.end]
        if next == carriageReturn {
            guard field.end + 1 < count || isAtEnd else { return .needsMore }
            if field.end + 1 < count, bytes[field.end + 1] == lineFeed {
                field.end += 1
                next = lineFeed
            }
        }
        field.end += 1
        switch next {
        case delimiter: return .field(field)
        case lineFeed:
            field.isLast = true
            field.lines += 1
            return .field(field)
        default: return .malformed("has text behind a closing quote")
        }
    }

    /// The field as a cell; doubled quotes become one.
    private mutating func cell(of field: Field) -> Cell {
        guard field.hasEscapes else {
            let kind: Cell.Kind = field.count == 0 && !field.isQuoted ? .empty : .text
            return Cell(kind: kind, start: field.start, count: field.count)
        }
        let start = unescaped.count
        var index = field.start
        while index < field.start + field.count {
            let next = byte(index)
            unescaped.append(next)
            index += next == quote ? 2 : 1
        }
        return Cell(
            kind: .text, isUnescaped: true, start: start, count: unescaped.count - start)
    }
}
