// SPDX-License-Identifier: Apache-2.0

package import Rollout

/// Canaries at the boundary of their tolerances under a budget of watching, whose share of entities moves
/// all the time: with a load that jumps, and with the candidate's own slowness and failures.
package struct BudgetWorld: BoundedWorld {
    /// The rule on trial.
    package var rule = EvidenceRule()
    /// The canary's share.
    package var share = 0.1
    /// Bad entities that are watched in a rollout, or entities at all where only the split is on trial.
    package var watchedEntities = 300
    /// How much longer the canary takes than STABLE's 1 µs.
    package var slowness = 4.0

    package init() {}

    /// Whether one rollout of that seed is rolled back.
    package func isRolledBack(seed: UInt64) throws -> Bool {
        if case .rollback = try run(seed: seed, areBad: true).verdict { return true }
        return false
    }

    /// In how many of so many rollouts the split of entities is taken as broken.
    package func falseSplits(rollouts: Int, seed: UInt64) throws -> Proportion {
        var count = 0
        for rollout in 0..<rollouts {
            let end = try run(seed: seed &+ UInt64(rollout), areBad: false)
            if end.verdict == .pause { count += 1 }
        }
        return Proportion(count: count, runs: rollouts)
    }

    /// The shares of entities that one rollout was watched at: least and most.
    package func ratios(seed: UInt64) throws -> ClosedRange<Double> {
        let end = try run(seed: seed, areBad: true)
        return end.least...end.most
    }

    /// One rollout until it is rolled back or has seen enough.
    private func run(
        seed: UInt64, areBad: Bool
    ) throws -> (verdict: EvidenceVerdict, least: Double, most: Double) {
        var draws = Draws(seed: seed)
        var evidence = try Evidence(rule: rule, seed: seed, share: share, filterBytes: .small)
        var budget = WatchBudget()
        var now: UInt64 = 1
        budget.settle(at: now)
        var perSecond = 300_000.0
        var (watched, least, most) = (0, 1.0, 0.0)
        while watched < watchedEntities {
            if draws.happens(0.05) { perSecond = draws.happens(0.5) ? 300_000 : 20_000 }
            // What all the others cost that come within these 5 ms.
            let mean = 1_000 * (1 + share * (slowness - 1))
            budget.spend(nanoseconds: UInt64(perSecond * 0.005 * budget.ratio * mean))
            now += 5_000_000
            budget.settle(at: now)
            (least, most) = (min(least, budget.ratio), max(most, budget.ratio))
            let entity = areBad ? badEntity(&draws) : draws.entity()
            guard budget.watches(EntityDraw.of(entity)) else { continue }
            watched += 1
            let isCanary = self.isCanary(entity)
            evidence.observe(
                request: entity, arm: isCanary ? .canary : .stable,
                outcome: areBad ? .error : [])
            if areBad {
                evidence.observe(
                    pair: entity, decisionsDiffer: draws.happens(rule.tolerances.flipRateMax))
            }
            // A failure of the canary's takes time from watching those that come after it.
            if isCanary && areBad { budget.spend(nanoseconds: 5_000_000) }
            if case .rollback = evidence.verdict { break }
        }
        return (evidence.verdict, least, most)
    }

    /// The arm, by the hash itself.
    private func isCanary(_ entity: UInt64) -> Bool { Double(entity) * 0x1p-64 < share }

    /// An entity to which something bad happens: on the canary's arm as much more often as is tolerated.
    private func badEntity(_ draws: inout Draws) -> UInt64 {
        while true {
            let entity = draws.entity()
            if isCanary(entity) || draws.happens(1 / rule.tolerances.relativeRiskMax) {
                return entity
            }
        }
    }
}
