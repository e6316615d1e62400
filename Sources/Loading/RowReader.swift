// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Cuts the bytes of a file into records, and each record into the cells that are wanted.
///
/// Bytes are fed in pieces of any size; a record that is not whole yet waits for more.
///
/// ```swift
/// while true {
///     switch try reader.next() {
///     case .row: use(reader.bytes(of: reader.cells[0]))
///     case .malformed(let reason): reject(reader.recordLine, reason)
///     case .needsMore: reader.feed(chunk)           // or reader.feedEnd()
///     case .end: return
///     }
/// }
/// ```
package struct RowReader: ~Copyable {
    /// What the next bytes are.
    package enum Outcome: Equatable {
        /// A record, whose cells are there until the next call.
        case row
        /// A record that has no cells; reading goes on behind it.
        case malformed(String)
        /// No whole record is left of what was fed.
        case needsMore
        /// The file has ended.
        case end
    }

    let format: LoadFormat
    let delimiter: UInt8
    /// The places of names in `cells`.
    let sources: ByteTable
    let sourceCount: Int
    /// For each column of a CSV file its place in `cells`, or -1.
    var places: [Int] = []
    /// The names of a CSV file's columns.
    package internal(set) var columnNames: [String] = []
    var hasHeader = false

    var window = ByteBuffer(capacity: LoadingLimits.chunkByteCount * 2)
    /// Where in the window the next record begins.
    var position = 0
    var isAtEnd = false
    /// Whether the rest of a line over the limit is being passed over.
    var isSkipping = false
    var unescaped = ByteBuffer(capacity: 4_096)
    /// The cells of the last record, one for each name that is wanted.
    package internal(set) var cells: [Cell]

    /// Where in the file the next record begins.
    package internal(set) var offset: Int
    /// The line on which the next record begins.
    package internal(set) var line: Int
    /// The line on which the last record began.
    package internal(set) var recordLine = 1
    /// Where in the window the last record began; it ends at `position`.
    var recordStart = 0

    /// A reader that looks for the columns or keys `names`.
    ///
    /// - Parameter delimiter: what stands between the fields of CSV.
    package init(
        _ format: LoadFormat, names: [String], delimiter: UInt8 = UInt8(ascii: ",")
    ) {
        self.format = format
        self.delimiter = delimiter
        sources = ByteTable(names)
        sourceCount = names.count
        cells = Array(repeating: Cell(), count: names.count)
        offset = 0
        line = 1
    }

    /// Goes on at a place that another reader had reached; the header is known by then.
    package mutating func skip(to offset: Int, line: Int) {
        window.removeAll()
        position = 0
        isAtEnd = false
        self.offset = offset
        self.line = line
    }

    /// Takes the bytes that follow.
    package mutating func feed(_ bytes: Span<UInt8>) {
        compact()
        window.append(bytes)
    }

    /// Takes one whole record that begins on `line`; what was fed before is read by then.
    ///
    /// - Parameter isLast: whether its line has no end, as only the last of a file may.
    mutating func feed(record: Span<UInt8>, line: Int, isLast: Bool) {
        window.removeAll()
        position = 0
        window.append(record)
        self.line = line
        isAtEnd = isLast
    }

    /// The bytes of the last record, its line end included.
    var record: Span<UInt8> {
        @_lifetime(borrow self)
        get { window.bytes.extracting(recordStart..<position) }
    }

    /// Says that no byte follows.
    package mutating func feedEnd() {
        isAtEnd = true
    }

    /// Takes a chunk of `file`, or learns that it has ended.
    mutating func feed(from file: borrowing InputFile) throws(LoadError) {
        compact()
        if try !file.read(at: offset + window.count, into: &window) { isAtEnd = true }
    }

    /// The next record.
    package mutating func next() throws(LoadError) -> Outcome {
        switch format {
        case .csv:
            if !hasHeader {
                guard try readHeader() else { return isAtEnd ? .end : .needsMore }
            }
            return try nextCSV()
        case .jsonLines:
            return nextJSON()
        }
    }

    /// The bytes of a cell of the last record.
    @_lifetime(borrow self)
    package func bytes(of cell: Cell) -> Span<UInt8> {
        let range = cell.start..<cell.start + cell.count
        return cell.isUnescaped
            ? unescaped.bytes.extracting(range) : window.bytes.extracting(range)
    }

    /// The text of a cell; nil if it is not UTF-8.
    package func text(of cell: Cell) -> String? {
        guard let text = try? UTF8Span(validating: bytes(of: cell)) else { return nil }
        return String(copying: text)
    }

    /// The byte at a place of the window.
    func byte(_ index: Int) -> UInt8 {
        window.bytes[index]
    }

    private mutating func compact() {
        guard position > 0 else { return }
        window.removeFirst(position)
        position = 0
    }

    /// Moves behind a record that ends before `end`, with `lines` line ends in it.
    mutating func advance(to end: Int, lines: Int) {
        recordLine = line
        recordStart = position
        offset += end - position
        position = end
        line += lines
    }
}
