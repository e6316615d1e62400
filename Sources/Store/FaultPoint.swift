// SPDX-License-Identifier: Apache-2.0

/// A place on a path of writes where a harness may make something go wrong.
///
/// The first four are the writer's. The others lie between the durable steps of a change that has several,
/// where a process that ends leaves the most to be put in order at its next start.
package enum FaultPoint: String, CaseIterable, Sendable {
    /// Before the commit of a group, when every command has been applied.
    case commit
    /// After the commit, before the sync of a durable group.
    case committed
    /// The sync of a durable group, or of an idle writer.
    case sync
    /// After commit and sync, before the first completion is called.
    case acknowledge

    /// The data file of a snapshot is copied and synced; nothing else of it is there.
    case snapshotCopied = "snapshot-copied"
    /// All files of a snapshot are there, under its temporary name.
    case snapshotWhole = "snapshot-whole"
    /// A snapshot has its name; neither the audit log nor the caller knows.
    case snapshotNamed = "snapshot-named"

    /// A configuration is committed and not in force.
    case configurationCommitted = "configuration-committed"
    /// A configuration is in force and not answered.
    case configurationPublished = "configuration-published"
    /// A begun, switched, rolled back, checked or discarded generation is committed and not in force.
    case generationCommitted = "generation-committed"
    /// It is in force; a discarded one is not being emptied yet.
    case generationPublished = "generation-published"
    /// Some rows of a discarded generation are deleted.
    case generationEmptied = "generation-emptied"
    /// An uploaded artefact is a file, and no model knows it.
    case modelFileWritten = "model-file-written"
    /// An uploaded or deleted model is committed, and not in force yet, or not gone yet.
    case modelCommitted = "model-committed"
    /// The file of a deleted model is still there, and no model knows it.
    case modelFileLeft = "model-file-left"
    /// The tombstone of an entity is there, and all its rows.
    case eraseBuried = "erase-buried"
    /// Some rows of the entity are deleted.
    case eraseDeleting = "erase-deleting"
    /// All rows of the entity are deleted, and its receipt is not written.
    case eraseDeleted = "erase-deleted"

    /// A candidate's traffic is taken away and that is noted; the change of slots has not begun.
    case rolloutBraked = "rollout-braked"
    /// A retreat is noted, and neither in force nor in the store.
    case rolloutNoted = "rollout-noted"
    /// Changed slots are in force: of a retreat not in the store, else not answered.
    case rolloutPublished = "rollout-published"
    /// Changed slots are in the store: of a retreat the note is still there, else not in force.
    case rolloutRecorded = "rollout-recorded"
    /// A promotion whose model was convicted while a change of slots was recorded is noted, and not taken back.
    case rolloutConvicted = "rollout-convicted"
    /// What the guard of an open rollout knows is written, and not committed.
    case guardEvidence = "guard-evidence"

    /// The point and the hits to skip of `text`, "commit" or "erase-deleting:2"; nil if it is neither.
    package static func parse(_ text: String) -> (point: FaultPoint, skipping: Int)? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let point = FaultPoint(rawValue: String(parts[0])) else { return nil }
        guard parts.count == 2 else { return (point, 0) }
        guard let skipping = Int(parts[1]), skipping >= 0 else { return nil }
        return (point, skipping)
    }
}
