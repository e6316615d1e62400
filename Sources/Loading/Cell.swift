// SPDX-License-Identifier: Apache-2.0

/// One value of a record, as it stands in the file.
package struct Cell: Hashable, Sendable {
    /// What the file says about the value.
    package enum Kind: UInt8, Sendable {
        /// Nothing: the column or the key is not there.
        case absent
        /// An empty, unquoted CSV field.
        case empty
        /// A JSON null.
        case null
        /// Text: every other CSV field, and a JSON string.
        case text
        /// A JSON number, whose grammar was checked.
        case number
        case `true`
        case `false`
        /// A JSON object or array.
        case nested
    }

    package var kind = Kind.absent
    /// Whether the bytes lie in the reader's memory for unescaped text.
    var isUnescaped = false
    var start = 0
    var count = 0
}
