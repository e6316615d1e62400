// SPDX-License-Identifier: Apache-2.0

package import Rollout

/// Shadows at the boundary of their tolerance whose errors are mostly STABLE's too: both models have the same
/// requests, and what is wrong with a request is wrong for both.
package struct SharedWorld: BoundedWorld {
    /// The rule on trial.
    package var rule = EvidenceRule()
    /// The rate of requests that both models fail at.
    package var bothRate = 0.1
    /// The rate at which STABLE fails alone.
    package var stableRate = 0.0
    /// Requests in a rollout.
    package var requests = 20_000
    /// How many entities there are, who come again and again and always with the same errors; nil if each request
    /// is somebody else's.
    package var entities: Int?

    package init() {}

    /// Whether one rollout of that seed is rolled back.
    package func isRolledBack(seed: UInt64) throws -> Bool {
        var draws = Draws(seed: seed)
        var evidence = try Evidence(rule: rule, seed: seed, share: 0.5, filterBytes: .small)
        var population: [(UInt64, stable: Bool, canary: Bool)] = []
        for _ in 0..<(entities ?? 0) { population.append(request(&draws)) }
        for _ in 0..<requests {
            let (entity, stable, canary) =
                population.isEmpty
                ? request(&draws) : population[draws.index(below: population.count)]
            let verdict = evidence.observe(
                shadowed: entity, stable: stable ? RequestOutcome(.error) : [],
                canary: canary ? RequestOutcome(.error) : [])
            if case .rollback = verdict { return true }
        }
        return false
    }

    /// A request: the canary fails as much more often than STABLE as is tolerated.
    private func request(_ draws: inout Draws) -> (UInt64, stable: Bool, canary: Bool) {
        let canaryRate = (bothRate + stableRate) * rule.tolerances.relativeRiskMax
        let fate = draws.uniform()
        let isBoth = fate < bothRate
        let isStable = isBoth || fate < bothRate + stableRate
        let isCanaryAlone = !isStable && fate < canaryRate + stableRate
        return (draws.entity(), isStable, isBoth || isCanaryAlone)
    }
}
