// SPDX-License-Identifier: Apache-2.0

/// What merging a write into a row came to.
package enum MergeOutcome: Hashable, Sendable {
    /// At least one value is now the newest: the scratch holds the row to put.
    case changed
    /// As `changed`, but the row that was there was damaged and is lost.
    case replacedDamaged
    /// Nothing in the write is newer: there is nothing to put.
    case unchanged
    /// The write is older than the erasure of one of the row's entities: there is nothing to put.
    case erased
    /// The row is in a layout that this process does not know; it must stay as it is.
    case unknownLayout
    /// The merged row would be longer than ``FeatureLimits/rowByteCountMax``; it stays as it is.
    case tooLarge
}
