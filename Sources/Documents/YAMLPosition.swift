// SPDX-License-Identifier: Apache-2.0

/// A place in a file; both numbers start at 1, and a column is a character.
package struct YAMLPosition: Hashable, Sendable {
    /// The line, counted from 1.
    package let line: Int
    /// The column, counted from 1.
    package let column: Int

    /// The position at that line and column.
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The first character of a file.
    static var start: YAMLPosition { YAMLPosition(line: 1, column: 1) }
}
