// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// What a guard wants to be done to a scorer's slots.
struct GuardOrder: Sendable {
    let rollout: UInt64
    /// What it is watched as.
    let mode: WatchMode
    let scorer: String
    let verb: Verb
    let reason: String
    let model: String
    let logEvidence: Double
    let isViolation: Bool
    let isDeadline: Bool
    /// What was the matter, for its alarm.
    var causes: [GuardAlarm.Cause] = []

    /// Whether it is about a promotion.
    var isAftercare: Bool { mode == .aftercare }
}
