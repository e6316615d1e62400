// SPDX-License-Identifier: Apache-2.0

package import Rollout

/// Canaries that are exactly as bad as their tolerances allow: the worst that must be let live.
package struct BoundaryWorld: BoundedWorld {
    /// The rule on trial.
    package var rule = EvidenceRule()
    /// The canary's shares, for equal parts of the run.
    package var shares = [0.05]
    /// Bad entities of each kind in a rollout, both arms together.
    package var badEntities = 2_000
    /// Bad entities of each kind before that, when the canary is as good as the stable model.
    package var goodEntities = 0
    /// Kinds of bad events.
    package var events: [BadEvent] = [.error]
    /// Pairs, and labels, per bad entity.
    package var pairsPerBadEntity = 0
    package var labelsPerBadEntity = 0
    /// Requests that a bad entity repeats on average, each as bad as the first.
    package var retries = 0.0
    /// Whether a retry is known to be the same entity; false shows what that is worth.
    package var retriesAreKnown = true

    package init() {}

    /// Whether one rollout of that seed is rolled back.
    package func isRolledBack(seed: UInt64) throws -> Bool {
        var draws = Draws(seed: seed)
        var evidence = try Evidence(
            rule: rule, seed: seed, share: shares[0], filterBytes: .small)
        for _ in 0..<goodEntities {
            for event in events {
                fail(event, risk: 1, share: shares[0], evidence: &evidence, draws: &draws)
            }
            if case .rollback = evidence.verdict { return true }
        }
        let risk = rule.tolerances.relativeRiskMax
        for (index, share) in shares.enumerated() {
            if index > 0 { try evidence.beginStep(share: share) }
            for _ in 0..<badEntities / shares.count {
                for event in events {
                    fail(event, risk: risk, share: share, evidence: &evidence, draws: &draws)
                }
                for _ in 0..<pairsPerBadEntity {
                    evidence.observe(
                        pair: draws.entity(),
                        decisionsDiffer: draws.happens(rule.tolerances.flipRateMax))
                }
                for _ in 0..<labelsPerBadEntity { label(&evidence, &draws) }
                if case .rollback = evidence.verdict { return true }
            }
        }
        return false
    }

    private func fail(
        _ event: BadEvent, risk: Double, share: Double, evidence: inout Evidence,
        draws: inout Draws
    ) {
        let isCanary = draws.happens(share * risk / (share * risk + 1 - share))
        let entity = draws.entity()
        let outcome = RequestOutcome(event)
        evidence.observe(request: entity, arm: isCanary ? .canary : .stable, outcome: outcome)
        guard retries > 0 else { return }
        for _ in 1..<Int(draws.trials(until: 1 / (1 + retries))) {
            evidence.observe(
                request: retriesAreKnown ? entity : draws.entity(),
                arm: isCanary ? .canary : .stable, outcome: outcome)
        }
    }

    /// A label of a canary that is biased by its margin and worse in Brier score by its margin.
    private func label(_ evidence: inout Evidence, _ draws: inout Draws) {
        let bias = rule.tolerances.calibrationMargin
        let noise = max(rule.tolerances.brierMargin - bias * bias, 0).squareRoot()
        let truth = min(max(draws.beta(2, 18), 0.05), 0.95)
        evidence.observe(
            label: draws.entity(), outcome: draws.happens(truth),
            canary: truth - bias + (draws.happens(0.5) ? noise : -noise), stable: truth)
    }
}

extension FilterBytes {
    /// Filters that serve a simulated rollout of thousands of entities.
    package static var small: FilterBytes {
        var bytes = FilterBytes()
        (bytes.entities, bytes.events, bytes.labels, bytes.later) = (
            1 << 15, 1 << 16, 1 << 15, 1 << 14
        )
        return bytes
    }
}
