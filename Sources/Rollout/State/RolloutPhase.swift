// SPDX-License-Identifier: Apache-2.0

/// Where a rollout stands. The raw values are stored.
package enum RolloutPhase: UInt8, CaseIterable, Sendable {
    /// The candidate is evaluated on the traffic and answers nobody.
    case shadow = 1
    /// The candidate answers its weight's share of entities.
    case canary = 2
    /// As ``canary``, but the weight does not rise until somebody says so. Guards go on.
    case paused = 3
    /// The candidate became STABLE.
    case promoted = 4
    /// Somebody ended it; the candidate may be tried again.
    case aborted = 5
    /// It was taken out because it misbehaved; its bundle is quarantined.
    case rolledBack = 6

    /// Whether the candidate is in a slot of its own.
    package var isOpen: Bool {
        switch self {
        case .shadow, .canary, .paused: true
        case .promoted, .aborted, .rolledBack: false
        }
    }

    /// Whether the candidate may have a share of entities.
    package var givesWeight: Bool { self == .canary || self == .paused }

    /// Whether the time until the deadline begins with it: a canary that was none, because it was a shadow
    /// or somebody has resumed it.
    package func beginsDeadline(after before: RolloutPhase) -> Bool {
        self == .canary && before != .canary
    }

    /// The phase's name in the API, "ROLLED_BACK".
    package var name: String {
        switch self {
        case .shadow: "SHADOW"
        case .canary: "CANARY"
        case .paused: "PAUSED"
        case .promoted: "PROMOTED"
        case .aborted: "ABORTED"
        case .rolledBack: "ROLLED_BACK"
        }
    }
}
