// SPDX-License-Identifier: Apache-2.0

/// A value to print, as YAML or JSON: what every command's output becomes.
package indirect enum Tree: Hashable, Sendable {
    case null
    case flag(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([Tree])
    /// Keys in the order in which they are printed.
    case map([Entry])

    /// A key and its value.
    package struct Entry: Hashable, Sendable {
        /// The name of the entry.
        package let key: String
        /// What stands under the name.
        package let value: Tree

        /// An entry of a map.
        package init(_ key: String, _ value: Tree) {
            self.key = key
            self.value = value
        }
    }

    /// A map of texts in the order of its keys.
    package static func texts(_ map: [String: String]) -> Tree {
        .map(map.sorted { $0.key < $1.key }.map { Entry($0.key, .text($0.value)) })
    }

    /// An unsigned number; one above `Int64.max` becomes text.
    package static func unsigned(_ value: UInt64) -> Tree {
        Int64(exactly: value).map { .integer($0) } ?? .text(String(value))
    }
}
