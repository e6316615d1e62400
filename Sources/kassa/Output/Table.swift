// SPDX-License-Identifier: Apache-2.0

/// Lines whose columns stand under each other.
struct Table {
    /// Spaces between columns.
    private static let gap = 2

    private var rows: [[String]]
    private let rightAligned: Set<Int>
    private let indent: String

    /// A table with a header, unless that is empty; `rightAligned` columns end under each other.
    init(_ header: [String] = [], rightAligned: Set<Int> = [], indent: Int = 0) {
        rows = header.isEmpty ? [] : [header]
        self.rightAligned = rightAligned
        self.indent = String(repeating: " ", count: indent)
    }

    mutating func add(_ row: [String]) {
        rows.append(row)
    }

    /// The lines, without spaces at their ends.
    var lines: [String] {
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += rightAligned.contains(column) ? padding + cell : cell + padding
                line += String(repeating: " ", count: Self.gap)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Prints the lines.
    func print() {
        for line in lines { Swift.print(line) }
    }
}
