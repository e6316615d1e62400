// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Who reads what a command prints: a person, on so many columns, or a program.
enum Screen {
    /// What a width may be.
    private static let columnsAllowed = 40...1_000

    /// Columns of the terminal that the standard output is, or that COLUMNS names; nil where a program reads,
    /// which gets every record of a table in one line, however long.
    static let columns: Int? = {
        // Safe: the environment does not change meanwhile, and ioctl writes to a local.
        if let text = unsafe getenv("COLUMNS"), let columns = Int(unsafe String(cString: text)),
            columnsAllowed.contains(columns)
        {
            return columns
        }
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        let code = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        let columns = Int(size.ws_col)
        return code == 0 && columnsAllowed.contains(columns) ? columns : 80
    }()

    /// Prints lines, broken at spaces where they are too long for the screen.
    static func print(_ lines: [String], columns: Int? = columns) {
        for line in wrapped(lines, columns: columns) { Swift.print(line) }
    }

    /// The lines in pieces of at most `columns`; what goes on is indented by four more.
    static func wrapped(_ lines: [String], columns: Int?) -> [String] {
        guard let columns else { return lines }
        return lines.flatMap { line -> [String] in
            guard line.count > columns else { return [line] }
            let indent = String(line.prefix { $0 == " " })
            let pieces = pieces(
                line.dropFirst(indent.count), columns - indent.count - 4,
                first: columns - indent.count)
            return pieces.enumerated().map { ($0 == 0 ? "" : "    ") + indent + $1 }
        }
    }

    /// `text` broken at spaces into pieces of at most `columns`; a longer word stays whole.
    ///
    /// - Parameter first: the room for the first piece, if that is another.
    static func pieces(
        _ text: some StringProtocol, _ columns: Int, first: Int? = nil
    ) -> [String] {
        var pieces: [String] = []
        var piece = ""
        var isFresh = true
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let room = pieces.isEmpty ? first ?? columns : columns
            if !isFresh, piece.count + 1 + word.count > room {
                pieces.append(piece)
                (piece, isFresh) = ("", true)
            }
            piece += isFresh ? word : " \(word)"
            isFresh = false
        }
        return (pieces + [piece]).map { String($0.reversed().drop { $0 == " " }.reversed()) }
    }
}
