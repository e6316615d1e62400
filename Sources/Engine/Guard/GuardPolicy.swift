// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

// What a request says of a guard, completed with the defaults, and as the rules that judge by it.

extension KassaV1.GuardPolicy {
    /// The policy with a number in every field.
    func completed(for spec: KassaV1.ScorerSpec) -> KassaV1.GuardPolicy {
        let rule = EvidenceRule()
        func given(_ value: Double, else other: Double) -> Double { value == 0 ? other : value }
        var policy = self
        policy.alpha = given(alpha, else: rule.alpha)
        policy.relativeRiskMax = given(relativeRiskMax, else: rule.tolerances.relativeRiskMax)
        policy.flipRateMax = given(flipRateMax, else: rule.tolerances.flipRateMax)
        policy.brierMargin = given(brierMargin, else: rule.tolerances.brierMargin)
        policy.calibrationMarginPp = given(
            calibrationMarginPp, else: rule.tolerances.calibrationMargin * 100)
        if sloMicroseconds == 0 { policy.sloMicroseconds = GuardLimits.sloMicroseconds }
        policy.pairSharePercent = given(pairSharePercent, else: 100)
        policy.watchSharePercent = watchSharePercent ?? GuardLimits.watchSharePercent
        if entitiesMin == 0 { policy.entitiesMin = GuardLimits.entitiesMin }
        if pairsMin == 0 { policy.pairsMin = GuardLimits.pairsMin }
        if deadlineMs == 0 { policy.deadlineMs = GuardLimits.deadlineMilliseconds }
        policy.decisionThreshold = given(
            decisionThreshold, else: given(spec.decisionThreshold, else: 0.5))
        return policy
    }

    /// The same, checked; `self` as a caller gave it.
    func checked(for spec: KassaV1.ScorerSpec) throws(EngineError) -> KassaV1.GuardPolicy {
        let policy = completed(for: spec)
        func check(_ isRight: Bool, _ field: String, _ rule: String) throws(EngineError) {
            guard isRight else {
                throw EngineError(.invalidArgument, "guard.\(field): must be \(rule)")
            }
        }
        try check(
            policy.alpha >= GuardLimits.alphaMin && policy.alpha <= GuardLimits.alphaMax, "alpha",
            "from \(GuardLimits.alphaMin) to 1/30")
        if case .outOfRange(let field) = policy.evidenceRule.fault {
            throw EngineError(.invalidArgument, "guard.\(field): out of its range")
        }
        try check(
            policy.sloMicroseconds <= GuardLimits.sloMicrosecondsMax, "slo_microseconds",
            "at most \(GuardLimits.sloMicrosecondsMax)")
        let shareMin = GuardLimits.sharePercentMin
        try check(
            policy.pairSharePercent >= shareMin && policy.pairSharePercent <= 100,
            "pair_share_percent", "from \(shareMin) to 100")
        let watchShare = policy.watchSharePercent ?? 0
        try check(
            watchShare == 0 || (watchShare >= shareMin && watchShare <= 100),
            "watch_share_percent", "0, or from \(shareMin) to 100")
        for (value, field) in [
            (policy.entitiesMin, "entities_min"), (policy.pairsMin, "pairs_min"),
        ] {
            try check(
                value <= GuardLimits.waitedForMax, field, "at most \(GuardLimits.waitedForMax)")
        }
        try check(policy.decisionThreshold.isFinite, "decision_threshold", "a finite number")
        for (value, field) in [(policy.dwellMs, "dwell_ms"), (policy.deadlineMs, "deadline_ms")] {
            try check(
                value <= GuardLimits.durationMillisecondsMax, field,
                "at most \(GuardLimits.durationMillisecondsMax)")
        }
        return policy
    }

    /// What decides, fixed when a rollout begins.
    var evidenceRule: EvidenceRule {
        var rule = EvidenceRule()
        rule.alpha = alpha
        rule.tolerances.relativeRiskMax = relativeRiskMax
        rule.tolerances.flipRateMax = flipRateMax
        rule.tolerances.brierMargin = brierMargin
        rule.tolerances.calibrationMargin = calibrationMarginPp / 100
        return rule
    }

    /// When a rollout goes on by itself; nil if only people take its steps.
    func advanceRule(of rollout: RolloutState) -> AdvanceRule? {
        guard dwellMs > 0 else { return nil }
        // A set of weights: the present one may be between two steps.
        let shares = Set(rollout.steps + [rollout.weight]).filter { $0 > .none }.sorted()
        var rule = AdvanceRule(
            steps: shares.map {
                AdvanceRule.Step(
                    share: $0.percent / 100, dwellMilliseconds: dwellMs, entitiesMin: entitiesMin)
            }, deadlineMilliseconds: deadlineMs)
        rule.pairsMin = pairsMin
        return rule
    }
}
