// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Rollout

/// Canaries that are bad in one way, and how long each lasts.
package enum BadCanary: Sendable {
    /// Its errors are `risk` times the stable model's, which has `baseRate`.
    case errors(risk: Double, share: Double, baseRate: Double)
    /// Its decisions differ at this rate.
    case flips(rate: Double)
    /// Its probabilities are too high by this much; outcomes follow the stable model's, Beta(2, 18).
    case bias(Double)
    /// Its log-odds have normal noise of this size; outcomes follow the stable model's, Beta(1.2, 18).
    case noise(Double)

    private var component: EvidenceComponent {
        switch self {
        case .errors: .errors
        case .flips: .decisionFlips
        case .bias: .calibration
        case .noise: .pairedBrier
        }
    }

    /// A rule in which this component alone decides, at the weight given.
    ///
    /// The rest of the weight goes to a component that is not fed here.
    package func rule(weight: Double) -> EvidenceRule {
        var rule = EvidenceRule()
        rule.weights = [0, 0, 0, 0, 0, 0]
        rule.weights[component.rawValue] = weight
        rule.weights[EvidenceComponent.fallbacks.rawValue] = 1 - weight
        return rule
    }

    /// The median over rollouts of what it takes: requests for errors, else pairs or labels.
    package func medianDelay(
        rollouts: Int, weight: Double = 1, after goodEntities: Int = 0, seed: UInt64
    ) throws -> Double {
        let rule = rule(weight: weight)
        var delays: [Double] = []
        for rollout in 0..<rollouts {
            delays.append(
                try delay(rule: rule, after: goodEntities, seed: seed &+ UInt64(rollout)))
        }
        delays.sort()
        return delays[delays.count / 2]
    }

    private func delay(rule: EvidenceRule, after good: Int, seed: UInt64) throws -> Double {
        var draws = Draws(seed: seed)
        var evidence = try Evidence(
            rule: rule, seed: seed, share: share, filterBytes: .small)
        for _ in 0..<good { observe(&evidence, &draws, isGood: true) }
        var delay = 0.0
        while evidence.verdict != .rollback(.evidence) {
            delay += observe(&evidence, &draws, isGood: false)
        }
        return delay
    }

    private var share: Double {
        if case .errors(_, let share, _) = self { share } else { 0.05 }
    }

    /// Feeds one observation; how many requests, pairs or labels passed until it came.
    @discardableResult
    private func observe(
        _ evidence: inout Evidence, _ draws: inout Draws, isGood: Bool
    ) -> Double {
        switch self {
        case .errors(let risk, let share, let baseRate):
            let risk = isGood ? 1 : risk
            let canaryRate = share * min(baseRate * risk, 1)
            let badRate = canaryRate + (1 - share) * baseRate
            let arm: Arm = draws.happens(canaryRate / badRate) ? .canary : .stable
            evidence.observe(request: draws.entity(), arm: arm, outcome: .error)
            return draws.trials(until: badRate)
        case .flips(let rate):
            let rate = isGood ? 0.01 : rate
            evidence.observe(pair: draws.entity(), decisionsDiffer: draws.happens(rate))
        case .bias(let bias):
            let truth = draws.beta(2, 18)
            evidence.observe(
                label: draws.entity(), outcome: draws.happens(truth),
                canary: isGood ? truth : min(truth + bias, 1), stable: truth)
        case .noise(let size):
            let truth = draws.beta(1.2, 18)
            let odds = truth / (1 - truth) * exp(isGood ? 0 : size * draws.normal())
            evidence.observe(
                label: draws.entity(), outcome: draws.happens(truth),
                canary: odds / (1 + odds), stable: truth)
        }
        return 1
    }
}
