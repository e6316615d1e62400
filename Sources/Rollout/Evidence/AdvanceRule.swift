// SPDX-License-Identifier: Apache-2.0

/// When a canary may have more traffic: the rule that makes silence mean "hold".
///
/// Every condition must be shown by traffic that came; none is met by traffic that did not. Check
/// ``fault`` before use.
package struct AdvanceRule: Equatable, Sendable {
    /// One stage of a rollout.
    package struct Step: Equatable, Sendable {
        /// The canary's share of entities in this stage, above 0 and at most 1.
        package var share: Double
        /// How long the stage lasts at least.
        package var dwellMilliseconds: UInt64
        /// Different entities that the canary must have served in the stage.
        package var entitiesMin: UInt64

        /// A stage of that share, time and traffic.
        package init(share: Double, dwellMilliseconds: UInt64, entitiesMin: UInt64 = 10_000) {
            self.share = share
            self.dwellMilliseconds = dwellMilliseconds
            self.entitiesMin = entitiesMin
        }
    }

    /// The stages in order.
    package var steps: [Step]
    /// The relative risk that must be ruled out for every kind of bad event, ...
    package var relativeRiskMax = 1.5
    /// ... unless the canary's own rate of it is shown to be below this budget; by ``BadEvent``.
    package var badRateMax = [0.005, 0.01, 0.02]
    /// Pairs that must have been scored by both models; 0 if none are.
    package var pairsMin: UInt64 = 1_000
    /// How long a canary may take, since it began or was resumed, until it is paused for people to look at.
    package var deadlineMilliseconds: UInt64

    /// Those stages, until that deadline.
    package init(steps: [Step], deadlineMilliseconds: UInt64) {
        self.steps = steps
        self.deadlineMilliseconds = deadlineMilliseconds
    }

    /// Why the rule cannot be used; nil if it can.
    package var fault: EvidenceError? {
        var last = 0.0
        for step in steps {
            guard step.share > last && step.share <= 1 else { return .outOfRange("steps.share") }
            last = step.share
        }
        guard relativeRiskMax >= 1 && relativeRiskMax <= 100 else {
            return .outOfRange("advance.relative_risk_max")
        }
        guard badRateMax.count == BadEvent.allCases.count,
            badRateMax.allSatisfy({ $0 >= 0 && $0 < 1 })
        else { return .outOfRange("advance.bad_rate_max") }
        return nil
    }

    /// What to do with the canary's share now.
    ///
    /// - Parameters:
    ///   - index: the present stage's position in ``steps``.
    ///   - stepAgeMilliseconds: how long the stage has lasted, by a clock that does not step.
    ///   - deadlineAgeMilliseconds: how long it has been a canary, since it became one or was resumed.
    ///   - isDriftAlarmOn: whether the scorer's features or scores have drifted: then nothing rises by itself.
    package func decision(
        _ evidence: Evidence, step index: Int, stepAgeMilliseconds: UInt64,
        deadlineAgeMilliseconds: UInt64, isDriftAlarmOn: Bool = false
    ) -> AdvanceDecision {
        guard index >= 0 && index < steps.count else { return .hold([.noStep]) }
        var reasons = unmet(by: evidence)
        if isDriftAlarmOn { reasons.insert(.drift) }
        if stepAgeMilliseconds < steps[index].dwellMilliseconds { reasons.insert(.dwell) }
        if evidence.step.entities.canary < steps[index].entitiesMin { reasons.insert(.entities) }
        if !reasons.isEmpty {
            return deadlineAgeMilliseconds >= deadlineMilliseconds
                ? .pause(reasons) : .hold(reasons)
        }
        return index + 1 < steps.count ? .advance(share: steps[index + 1].share) : .complete
    }

    private func unmet(by evidence: Evidence) -> HoldReasons {
        var reasons: HoldReasons = []
        if evidence.verdict != .within { reasons.insert(.evidence) }
        for event in BadEvent.allCases where !isShownGood(event, evidence) {
            reasons.insert(HoldReasons(event))
        }
        let counts = evidence.counts
        if counts.pairs < pairsMin { reasons.insert(.pairs) }
        let flipsMax = evidence.rule.tolerances.flipRateMax * Double(counts.pairs)
        if Double(counts.differingPairs) > flipsMax { reasons.insert(.decisionFlips) }
        return reasons
    }

    private func isShownGood(_ event: BadEvent, _ evidence: Evidence) -> Bool {
        ConfidenceBound.rulesOut(
            rateAtLeast: badRateMax[event.rawValue],
            bad: evidence.step.canaryBadEvents[event.rawValue], of: evidence.step.canaryRequests)
            || ConfidenceBound.rulesOut(
                relativeRiskAtLeast: relativeRiskMax, event, in: evidence.counts)
    }
}

/// What to do with the canary's share.
package enum AdvanceDecision: Equatable, Sendable {
    /// Give the canary this share.
    case advance(share: Double)
    /// All stages are passed: it may be promoted.
    case complete
    /// Leave it as it is.
    case hold(HoldReasons)
    /// The deadline has come before the last stage was passed: pause, and call somebody.
    case pause(HoldReasons)
}

/// What keeps a canary where it is.
package struct HoldReasons: OptionSet, Sendable {
    /// A bit per reason.
    package let rawValue: UInt16

    /// The set with these bits.
    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The set of the reason that goes with a kind of bad event.
    init(_ event: BadEvent) {
        rawValue = 1 << UInt16(event.rawValue)
    }

    /// Errors are not shown to be few.
    package static let errors = HoldReasons(.error)
    /// Misses of the latency objective are not shown to be few.
    package static let sloMisses = HoldReasons(.sloMiss)
    /// Fallbacks are not shown to be few.
    package static let fallbacks = HoldReasons(.fallback)
    /// More decisions differ than was declared.
    package static let decisionFlips = HoldReasons(rawValue: 1 << 3)
    /// Too few requests were scored by both models.
    package static let pairs = HoldReasons(rawValue: 1 << 4)
    /// The evidence asks for caution, or more.
    package static let evidence = HoldReasons(rawValue: 1 << 5)
    /// The stage has not lasted long enough.
    package static let dwell = HoldReasons(rawValue: 1 << 6)
    /// Too few entities came.
    package static let entities = HoldReasons(rawValue: 1 << 7)
    /// The rollout has no such stage.
    package static let noStep = HoldReasons(rawValue: 1 << 8)
    /// A drift alarm is on.
    package static let drift = HoldReasons(rawValue: 1 << 9)
}
