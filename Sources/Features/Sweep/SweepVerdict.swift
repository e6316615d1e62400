// SPDX-License-Identifier: Apache-2.0

/// What is to be done about a row.
package enum SweepVerdict: Hashable, Sendable {
    case keep
    /// The scratch holds the row to put in its place.
    case put
    case delete
}
