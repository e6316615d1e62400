// SPDX-License-Identifier: Apache-2.0

package import API

/// A piece of a file: rows to write in one request, and the records that do not fit.
package struct Batch: Sendable {
    /// The rows; without any if all records were rejected.
    package var request = KassaV1.WriteRequest()
    /// The line of each row.
    package var lines: [Int] = []
    /// Records that are no rows.
    package var rejects: [Reject] = []
    /// Where in the file the records behind this batch begin.
    package var endOffset = 0
    /// The line on which they begin.
    package var endLine = 1

    /// Records of the file that the batch stands for.
    package var recordCount: Int { lines.count + rejects.count }
}
