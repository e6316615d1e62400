// SPDX-License-Identifier: Apache-2.0

/// How a file says its rows.
package enum LoadFormat: String, Sendable, CaseIterable {
    /// Comma-separated values with a header row (RFC 4180).
    case csv
    /// A JSON object a line.
    case jsonLines = "jsonl"

    /// The format that a file's name tells; nil if it tells none.
    package init?(path: String) {
        if path.hasSuffix(".csv") {
            self = .csv
        } else if path.hasSuffix(".jsonl") || path.hasSuffix(".ndjson") {
            self = .jsonLines
        } else {
            return nil
        }
    }
}
