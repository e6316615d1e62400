// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a row that can be read.
package enum RowDamage: Error, Equatable {
    /// The bytes are not what was written: wrong length, checksum or structure.
    case damaged
    /// The row is whole, but in a layout or format that this process does not know.
    case unknownLayout
}
