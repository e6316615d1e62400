// SPDX-License-Identifier: Apache-2.0

/// How a write ended.
package enum WriteOutcome: Hashable, Sendable {
    /// It is in the store under this write sequence, at the level reached: what was asked, or more.
    case committed(sequence: UInt64, Durability)
    /// It is not in the store; or, after `writeFailed` on a durable write, not surely on disk;
    /// or, after `panicked`, perhaps in the store all the same.
    case failed(StoreError)
}
