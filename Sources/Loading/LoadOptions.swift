// SPDX-License-Identifier: Apache-2.0

/// How the columns of a file become keys, times and features.
package struct LoadOptions: Sendable {
    /// Columns by entity kind; a kind that is not here has the column of its own name.
    package var keyColumns: [String: String] = [:]
    /// Columns by feature; a feature that is not here has the column of its own name.
    package var featureColumns: [String: String] = [:]
    /// The column of event times; without one every row has ``defaultTimeMicroseconds``.
    package var timeColumn: String?
    /// How that column says moments.
    package var timeFormat = TimeFormat.date
    /// The event time of rows where no column gives one, in microseconds.
    package var defaultTimeMicroseconds: Int64 = 0
    /// Whether an empty CSV field is an explicit null rather than nothing said.
    package var emptyIsNull = false
    /// A text that means an explicit null too, "NULL".
    package var nullText: String?
    /// What stands between the fields of CSV.
    package var delimiter = UInt8(ascii: ",")

    /// Columns named as what they hold, and no column of times.
    package init() {}
}
