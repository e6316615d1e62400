// SPDX-License-Identifier: Apache-2.0

/// A table to open at start: its name and what its lengths promise.
package struct TableDefinition: Hashable, Sendable {
    /// The name in the file.
    package var name: String
    /// Whether every key and value length is a multiple of 8, so that every value lies 8-aligned.
    package var isEightAligned: Bool

    /// A table named `name`.
    package init(name: String, isEightAligned: Bool = false) {
        self.name = name
        self.isEightAligned = isEightAligned
    }

    /// A table whose keys and values have any length; values lie at any address.
    package static func any(_ name: String) -> TableDefinition {
        TableDefinition(name: name)
    }

    /// A table whose keys and values have lengths that are multiples of 8; `put` refuses others.
    package static func eightAligned(_ name: String) -> TableDefinition {
        TableDefinition(name: name, isEightAligned: true)
    }
}
