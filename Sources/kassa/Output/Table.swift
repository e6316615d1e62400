// SPDX-License-Identifier: Apache-2.0

/// Lines whose columns stand under each other, or a block for each record where the lines are too long.
///
/// For a program, or where all fits the screen, each record is a line. On a narrower screen columns that are
/// empty throughout are left out, the last column is broken into several lines if there is room for it, and
/// else every record becomes a block: a title, and a label and its value in each line below.
struct Table {
    /// Spaces between columns.
    private static let gap = 2
    /// The least room for the last column of a table that is broken.
    private static let lastMin = 28

    private let header: [String]
    private var rows: [[String]] = []
    private let rightAligned: Set<Int>
    private let indent: String
    private let titleCount: Int

    /// A table with a header, unless that is empty; `rightAligned` columns end under each other.
    ///
    /// - Parameter titles: how many columns at the beginning are the title of a block.
    init(
        _ header: [String] = [], rightAligned: Set<Int> = [], indent: Int = 0, titles: Int = 1
    ) {
        self.header = header
        self.rightAligned = rightAligned
        self.indent = String(repeating: " ", count: indent)
        titleCount = titles
    }

    mutating func add(_ row: [String]) {
        rows.append(row)
    }

    /// The lines for whoever reads, without spaces at their ends.
    var lines: [String] { lines(columns: Screen.columns) }

    /// The lines for a screen of so many columns; nil for a program.
    func lines(columns: Int?) -> [String] {
        let columnCount = ([header] + rows).map(\.count).max() ?? 0
        let all = Array(0..<columnCount)
        let wide = table(of: all)
        guard let columns, wide.contains(where: { $0.count > columns }) else { return wide }
        let filled = all.filter { column in rows.contains { !cell(column, of: $0).isEmpty } }
        let narrow = table(of: filled)
        guard narrow.contains(where: { $0.count > columns }) else { return narrow }
        return broken(filled, columns) ?? blocks(filled, columns)
    }

    /// Prints the lines.
    func print() {
        for line in lines { Swift.print(line) }
    }

    private func cell(_ column: Int, of row: [String]) -> String {
        column < row.count ? row[column] : ""
    }

    private func widths(_ columns: [Int]) -> [Int] {
        columns.map { column in
            ([header] + rows).map { cell(column, of: $0).count }.max() ?? 0
        }
    }

    private func table(of columns: [Int]) -> [String] {
        let widths = widths(columns)
        return ((header.isEmpty ? [] : [header]) + rows).map { line($0, columns, widths) }
    }

    private func line(_ row: [String], _ columns: [Int], _ widths: [Int]) -> String {
        var line = indent
        for (column, width) in zip(columns, widths) {
            let cell = cell(column, of: row)
            let padding = String(repeating: " ", count: width - cell.count)
            line += rightAligned.contains(column) ? padding + cell : cell + padding
            line += String(repeating: " ", count: Self.gap)
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// The table with its last column in several lines; nil without room for that.
    private func broken(_ shown: [Int], _ columns: Int) -> [String]? {
        guard let last = shown.last, !rightAligned.contains(last) else { return nil }
        let front = Array(shown.dropLast())
        let widths = widths(front)
        let start = widths.reduce(indent.count) { $0 + $1 + Self.gap }
        guard columns - start >= Self.lastMin else { return nil }
        let margin = String(repeating: " ", count: start)
        let lines = ((header.isEmpty ? [] : [header]) + rows).flatMap { row -> [String] in
            let pieces = Screen.pieces(cell(last, of: row), columns - start)
            let first = line(row + [""], front, widths)
            let padding = String(repeating: " ", count: start - first.count)
            return [pieces[0].isEmpty ? first : first + padding + pieces[0]]
                + pieces.dropFirst().map { margin + $0 }
        }
        // A word that is longer than the room has more of it in a block.
        return lines.allSatisfy { $0.count <= columns } ? lines : nil
    }

    /// A block for each record; empty cells are left out.
    private func blocks(_ shown: [Int], _ columns: Int) -> [String] {
        let titles = shown.prefix { $0 < titleCount }
        let labels = shown.dropFirst(titles.count)
        let width = labels.map { cell($0, of: header).count }.max() ?? 0
        let start = indent.count + 2 + width + Self.gap
        let margin = String(repeating: " ", count: start)
        var lines: [String] = []
        for row in rows {
            if !lines.isEmpty { lines.append("") }
            let name = cell(titles.first ?? 0, of: header).lowercased()
            let title = titles.map { cell($0, of: row) }.filter { !$0.isEmpty }
            lines.append(indent + ([name] + title.prefix(1)).joined(separator: " "))
            if title.count > 1 {
                lines[lines.count - 1] += "  " + title.dropFirst().joined(separator: "  ")
            }
            for column in labels {
                let value = cell(column, of: row)
                guard !value.isEmpty else { continue }
                let label = cell(column, of: header).lowercased()
                let padding = String(repeating: " ", count: width - label.count + Self.gap)
                let pieces = Screen.pieces(value, columns - start)
                lines.append("\(indent)  \(label)\(padding)\(pieces[0])")
                lines += pieces.dropFirst().map { margin + $0 }
            }
        }
        return lines
    }
}
