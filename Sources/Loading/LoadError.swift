// SPDX-License-Identifier: Apache-2.0

/// Why a load cannot begin or go on; a row that does not fit is a ``Reject`` instead.
package enum LoadError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be opened or read.
    case unreadable(path: String, reason: String)
    /// The file for sorting cannot be made, written or read.
    case unsortable(path: String, reason: String)
    /// The mapping of columns makes no sense.
    case mapping(String)
    /// The header row makes no sense.
    case header(String)
    /// A CSV record over the limit.
    case recordTooLong(line: Int)
    /// The file ends within a quoted field that began on this line.
    case unclosedQuote(line: Int)

    /// What is wrong, and what to do.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .unsortable(let path, let reason): "cannot sort by way of \(path): \(reason)"
        case .mapping(let reason): reason
        case .header(let reason): "the header row \(reason)"
        case .recordTooLong(let line):
            "line \(line): the record is longer than \(LoadingLimits.recordByteCountMax) bytes;"
                + " is a closing quote missing?"
        case .unclosedQuote(let line):
            "line \(line): the file ends within a quoted field that begins in this record"
        }
    }
}
