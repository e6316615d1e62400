// SPDX-License-Identifier: Apache-2.0

package import Rollout

/// Canaries at the boundary of their tolerance among the same few thousand entities, who come again and again.
package struct ReturningWorld: BoundedWorld {
    /// The rule on trial.
    package var rule = EvidenceRule()
    /// How many entities there are.
    package var entities = 5_000
    /// The canary's share of them.
    package var share = 0.1
    /// Requests at the beginning in which STABLE fails always, and the canary never.
    package var outage = 0
    /// Requests after that.
    package var requests = 60_000
    /// STABLE's rate of errors; the canary's is as much higher as is tolerated.
    package var badRate = 0.02
    /// Whether an entity's errors are its own: it has one at each request or at none.
    package var isSticky = false

    package init() {}

    /// Whether one rollout of that seed is rolled back.
    package func isRolledBack(seed: UInt64) throws -> Bool {
        var draws = Draws(seed: seed)
        var evidence = try Evidence(rule: rule, seed: seed, share: share, filterBytes: .small)
        let canaryRate = badRate * rule.tolerances.relativeRiskMax
        var population: [(entity: UInt64, arm: Arm, isHard: Bool)] = []
        for _ in 0..<entities {
            let entity = draws.entity()
            let arm: Arm = Double(entity) * 0x1p-64 < share ? .canary : .stable
            population.append(
                (entity, arm, draws.happens(arm == .canary ? canaryRate : badRate)))
        }
        for request in 0..<outage + requests {
            let (entity, arm, isHard) = population[draws.index(below: entities)]
            let isBad =
                if request < outage { arm == .stable } else if isSticky { isHard } else {
                    draws.happens(arm == .canary ? canaryRate : badRate)
                }
            let verdict = evidence.observe(
                request: entity, arm: arm, outcome: isBad ? RequestOutcome(.error) : [])
            if case .rollback = verdict { return true }
        }
        return false
    }
}
