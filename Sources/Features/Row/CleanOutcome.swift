// SPDX-License-Identifier: Apache-2.0

/// What cleaning a row came to.
package enum CleanOutcome: Hashable, Sendable {
    /// There is nothing to take out.
    case unchanged
    /// The scratch holds the row to put, shorter by that many bytes (negative: a wider layout made it longer).
    case changed(freedByteCount: Int)
    /// Nothing is left: the row is to be deleted.
    case empty(freedByteCount: Int)
    /// The bytes are not a row; they stay, for they are evidence.
    case damaged
    /// The row is in a layout that this process does not know; it must stay as it is.
    case unknownLayout
    /// In the newest layout the row would be longer than ``FeatureLimits/rowByteCountMax``; it stays.
    case tooLarge
}
