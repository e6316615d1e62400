// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// What a guard holds against a change of a rollout's weight.
struct GuardStanding: Sendable {
    let verdict: EvidenceVerdict
    /// Why it cannot be judged any more.
    let defect: String?
    /// Whether the weight that is asked for can be judged, and those of the steps behind it.
    let hasRoom: Bool
}

extension GuardedRollout {
    /// What is held against `next`, which is this rollout in its next state.
    func standing(_ next: RolloutState) -> GuardStanding {
        GuardStanding(
            verdict: evidence.verdict, defect: defect,
            hasRoom: evidence.hasRoom(
                forShare: Self.share(WatchMode(of: next).share(of: next)),
                keeping: Self.reservedShares(of: next)))
    }

    /// The shares that must stay possible whatever people set in between: those of the steps, by which the
    /// guard itself goes on, and none, which takes all traffic away.
    private static func reservedShares(of rollout: RolloutState) -> [Double] {
        rollout.steps.map { $0.millionths == Weight.wholeMillionths ? 0.5 : share($0.millionths) }
            + [0]
    }
}
