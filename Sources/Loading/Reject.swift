// SPDX-License-Identifier: Apache-2.0

/// A record that was not loaded, and why; never the value itself.
package struct Reject: Hashable, Sendable {
    /// The line of the file on which the record begins; the first is 1.
    package let line: Int
    /// The feature, the entity kind or "event_time_us"; empty where it is the whole record.
    package let field: String
    /// What is wrong.
    package let reason: String

    /// A reject of the record on `line`.
    package init(line: Int, field: String, reason: String) {
        self.line = line
        self.field = field
        self.reason = reason
    }
}
