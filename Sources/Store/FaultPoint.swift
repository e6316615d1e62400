// SPDX-License-Identifier: Apache-2.0

/// A place on the write path where a harness may make something go wrong.
package enum FaultPoint: String, CaseIterable, Sendable {
    /// Before the commit of a group, when every command has been applied.
    case commit
    /// After the commit, before the sync of a durable group.
    case committed
    /// The sync of a durable group, or of an idle writer.
    case sync
    /// After commit and sync, before the first completion is called.
    case acknowledge
}
