// SPDX-License-Identifier: Apache-2.0

/// A place in a file; both numbers start at 1, and a column is a character.
package struct YAMLPosition: Hashable, Sendable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The first character of a file.
    static var start: YAMLPosition { YAMLPosition(line: 1, column: 1) }
}
