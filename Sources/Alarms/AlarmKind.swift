// SPDX-License-Identifier: Apache-2.0

/// What an alarm is about. The raw values number the series of a metric.
package enum AlarmKind: Int, CaseIterable, Sendable {
    /// A canary was taken out because it misbehaved.
    case rolledBack
    /// The evidence against a canary is such that its weight may not rise.
    case frozen
    /// A rollout was paused.
    case paused
    /// Both slots see another world than the models were trained on.
    case sharedDrift
    /// A feature's values, or how many are missing, unseen or stale, moved.
    case featureDrift
    /// The slots do not get the entities that they should: routing is broken.
    case sampleRatioMismatch
    /// A model broke what it had promised: a score that is none, another schema, a golden row.
    case contractViolation
    /// A rollout did not come to a verdict in its time.
    case deadline
    /// The model before the last promotion was put back.
    case undo
    /// The store takes no writes.
    case storeReadOnly
    /// The store's map is getting full.
    case storeMapUse
    /// The store's filesystem is getting full.
    case storeDiskSpace
    /// A reader holds an old snapshot.
    case storeReaderLag
    /// A look at every entry of the store found damage.
    case storeDamage
    /// A scorer goes on with a bundle that another one has put into quarantine.
    case quarantinedStable
    /// A canary was left without weight, because it cannot be judged any more.
    case unjudged

    /// The kind in encodings and as a label, "rolled_back".
    package var name: String {
        switch self {
        case .rolledBack: "rolled_back"
        case .frozen: "frozen"
        case .paused: "paused"
        case .sharedDrift: "shared_drift"
        case .featureDrift: "feature_drift"
        case .sampleRatioMismatch: "sample_ratio_mismatch"
        case .contractViolation: "contract_violation"
        case .deadline: "deadline"
        case .undo: "undo"
        case .storeReadOnly: "store_read_only"
        case .storeMapUse: "store_map_use"
        case .storeDiskSpace: "store_disk_space"
        case .storeReaderLag: "store_reader_lag"
        case .storeDamage: "store_damage"
        case .quarantinedStable: "quarantined_stable"
        case .unjudged: "unjudged"
        }
    }
}
