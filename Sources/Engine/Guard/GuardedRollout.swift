// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What the guard knows of one open rollout. It belongs to whoever holds the lock of ``Guards``.
final class GuardedRollout {
    let id: UInt64
    let scorer: String
    private(set) var rollout: RolloutState
    private(set) var policy: KassaV1.GuardPolicy
    private(set) var brake: Brake
    private(set) var evidence: Evidence
    /// Why it cannot be judged any more: its evidence is lost, or it has had too many weights.
    private(set) var defect: String?
    /// When the event came that decided, by the monotonic clock; 0 as long as none has.
    private(set) var decidedAtNanoseconds: UInt64 = 0
    /// Events that were weighed, and those that came under another weight than the present one.
    private(set) var eventCount: UInt64 = 0
    private(set) var staleCount: UInt64 = 0
    /// Entities that something happened to, the first of each kind.
    private(set) var samples: [KassaV1.GuardSample] = GuardedRollout.kinds.map {
        KassaV1.GuardSample(event: $0)
    }
    private var isFreezeTold = false
    /// When judging began in this process, and how long it had lasted before.
    private var ageBase: MonotonicTime
    private var ageBefore: UInt64 = 0
    private var stepBase: MonotonicTime
    private var stepAgeBefore: UInt64 = 0
    private var lastLook: MonotonicTime

    private static let kinds =
        BadEvent.allCases.map { EvidenceComponent($0).name } + [
            EvidenceComponent.decisionFlips.name, "violations",
        ]

    /// Begins with `stored`, or anew.
    init(
        _ scorer: String, _ rollout: RolloutState, _ policy: KassaV1.GuardPolicy, _ brake: Brake,
        stored: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)?, now: MonotonicTime
    ) {
        id = rollout.id
        self.scorer = scorer
        self.rollout = rollout
        self.policy = policy
        self.brake = brake
        ageBase = now
        stepBase = now
        lastLook = now
        let share = Self.share(of: rollout)
        let seed = EntityHash(salt: rollout.salt)(Self.seedUnit.span)
        if let stored {
            let filters = stored.filters ?? []
            do throws(EvidenceError) {
                evidence = try Self.decode(stored.state.evidence, filters)
                ageBefore = stored.state.ageMs
                stepAgeBefore = stored.state.stepAgeMs
                for index in samples.indices {
                    samples[index].entities =
                        stored.state.samples.first { $0.event == samples[index].event }?.entities
                        ?? []
                }
                if evidence.share != share || stored.state.isShadow != isShadow { beginStep(now) }
                return
            } catch {
                defect = "its stored evidence cannot be read"
            }
        }
        do throws(EvidenceError) {
            evidence = try Evidence(rule: policy.evidenceRule, seed: seed, share: share)
        } catch {
            // Checked when the rollout began; a store that was made by another release may differ.
            defect = "its rule is none that this release knows"
            evidence = Self.standard(seed, share)
        }
    }

    private static let seedUnit = Array("evidence".utf8)

    private static func decode(
        _ bytes: [UInt8], _ filters: [UInt8]
    ) throws(EvidenceError) -> Evidence {
        if filters.isEmpty { return try Evidence(decoding: bytes.span) }
        return try Evidence(decoding: bytes.span, filters: filters.span)
    }

    private static func standard(_ seed: UInt64, _ share: Double) -> Evidence {
        do throws(EvidenceError) {
            return try Evidence(seed: seed, share: share)
        } catch {
            preconditionFailure("the default rule is sound")
        }
    }

    private static func share(of rollout: RolloutState) -> Double {
        rollout.phase == .shadow
            ? 0.5 : Double(rollout.weight.millionths) / Double(Weight.wholeMillionths)
    }

    /// Follows the rollout's state in a newer configuration.
    func follow(
        _ rollout: RolloutState, _ policy: KassaV1.GuardPolicy, _ brake: Brake, now: MonotonicTime
    ) {
        let isStep =
            (self.rollout.phase == .shadow) != (rollout.phase == .shadow)
            || self.rollout.weight != rollout.weight
        self.rollout = rollout
        self.policy = policy
        self.brake = brake
        if isStep { beginStep(now) }
    }

    private func beginStep(_ now: MonotonicTime) {
        stepBase = now
        stepAgeBefore = 0
        do throws(EvidenceError) {
            try evidence.beginStep(share: Self.share(of: rollout))
        } catch {
            defect = "it has had too many weights to be judged"
        }
    }

    var isShadow: Bool { rollout.phase == .shadow }
    var weightMillionths: UInt32 {
        isShadow ? Weight.wholeMillionths / 2 : rollout.weight.millionths
    }
    func ageMilliseconds(_ now: MonotonicTime) -> UInt64 {
        ageBefore + now.nanoseconds(since: ageBase) / 1_000_000
    }
    func stepAgeMilliseconds(_ now: MonotonicTime) -> UInt64 {
        stepAgeBefore + now.nanoseconds(since: stepBase) / 1_000_000
    }

    /// Takes time in which nobody looked, because the process was stopped, off the step's age: nothing was
    /// observed then. To be called before the clock is read for a decision.
    func look(at now: MonotonicTime) {
        let gap = now.nanoseconds(since: lastLook)
        lastLook = max(lastLook, now)
        guard gap > GuardLimits.unobservedNanosecondsMax else { return }
        stepBase = min(stepBase.advanced(byNanoseconds: gap), now)
    }

    // MARK: Events

    /// Weighs what a loop has seen; pulls the brake at once if that decides.
    ///
    /// - Complexity: O(1), without allocation but for the first entities on record.
    func observe(_ event: GuardEvent) {
        guard !evidence.verdict.isRollback else { return }
        if let violation = ContractViolation(rawValue: event.violation) {
            sample(4, event.entity)
            evidence.observe(violation: violation)
            return decide(at: event.atNanoseconds)
        }
        // Arms are compared under one share: what the one before has left in the rings is dropped,
        // whichever model answered.
        guard event.weight == weightMillionths, event.marks.contains(.isShadow) == isShadow else {
            staleCount &+= 1
            return
        }
        eventCount &+= 1
        let isCanary = event.marks.contains(.isCanary)
        if !isShadow {
            evidence.observe(
                request: event.entity, arm: isCanary ? .canary : .stable, outcome: event.outcome)
            if isCanary { sample(event.outcome, event.entity) }
        } else if event.marks.contains(.isShadowed) {
            evidence.observe(
                shadowed: event.entity, stable: event.outcome, canary: event.shadowOutcome)
            sample(event.shadowOutcome, event.entity)
        }
        if event.marks.contains(.isPair) {
            let differ = event.marks.contains(.decisionsDiffer)
            evidence.observe(pair: event.entity, decisionsDiffer: differ)
            if differ { sample(3, event.entity) }
        }
        decide(at: event.atNanoseconds)
    }

    /// Weighs an outcome that has matured.
    func observe(_ label: MaturedLabel, at now: MonotonicTime) {
        let score = label.score
        guard label.isOnTime, score.rollout == id, score.stable.isFinite, score.candidate.isFinite
        else { return }
        evidence.observe(
            label: score.entity, outcome: label.label, canary: score.candidate,
            stable: score.stable)
        decide(at: now.nanoseconds)
    }

    /// Takes what a loop has decided by itself, if its event was lost.
    func lookAtBrake() {
        guard !evidence.verdict.isRollback, let violation = brake.violation else { return }
        evidence.observe(violation: violation)
        decide(at: brake.pulledAtNanoseconds)
    }

    private func decide(at nanoseconds: UInt64) {
        guard evidence.verdict.isRollback, decidedAtNanoseconds == 0 else { return }
        decidedAtNanoseconds = nanoseconds
        brake.rollBack(for: nil, at: nanoseconds)
    }

    private func sample(_ outcome: RequestOutcome, _ entity: UInt64) {
        guard !outcome.isEmpty else { return }
        if outcome.contains(.error) { sample(BadEvent.error.rawValue, entity) }
        if outcome.contains(.sloMiss) { sample(BadEvent.sloMiss.rawValue, entity) }
        if outcome.contains(.fallback) { sample(BadEvent.fallback.rawValue, entity) }
    }

    private func sample(_ kind: Int, _ entity: UInt64) {
        guard samples[kind].entities.count < GuardLimits.samplesMax,
            !samples[kind].entities.contains(entity)
        else { return }
        samples[kind].entities.append(entity)
    }

    // MARK: Conclusions

    /// What is to be done about the rollout now; nil for nothing.
    ///
    /// - Parameter isDrifting: whether a drift alarm of the scorer is on, under which nothing rises by itself.
    func order(at now: MonotonicTime, isDrifting: Bool = false) -> GuardOrder? {
        func order(_ verb: Verb, _ reason: String, isDeadline: Bool = false) -> GuardOrder {
            GuardOrder(
                rollout: id, scorer: scorer, verb: verb, reason: reason,
                model: rollout.candidate.model, logEvidence: evidence.logEvidence,
                isViolation: evidence.counts.violation != nil, isDeadline: isDeadline)
        }
        if evidence.verdict.isRollback { return order(.rollBack, evidence.rollbackReason) }
        guard !isShadow, brake.flags.isEmpty else { return nil }
        if let defect {
            return rollout.weight == .none ? nil : order(.setWeight(.none), "no weight: \(defect)")
        }
        guard rollout.phase == .canary else { return nil }
        if evidence.verdict == .pause {
            return order(
                .pause, "sample-ratio mismatch: entities are not split as the weight says")
        }
        switch advance(at: now, isDrifting) {
        case .advance(let share):
            return order(.promote(isFull: false), "the step is passed: on to \(share * 100)%")
        case .complete: return order(.promote(isFull: true), "all steps are passed")
        case .pause(let reasons):
            return order(
                .pause, "deadline: not through, held by \(reasons.names.joined(separator: ", "))",
                isDeadline: true)
        case .hold, nil: return nil
        }
    }

    /// What is to be told when the evidence begins to forbid more weight; nil if it was told.
    func freeze() -> GuardAlarm? {
        guard evidence.verdict == .freeze else {
            isFreezeTold = isFreezeTold && evidence.verdict != .within
            return nil
        }
        guard !isFreezeTold else { return nil }
        isFreezeTold = true
        return GuardAlarm(
            kind: .frozen, scorer: scorer, rollout: id, model: rollout.candidate.model,
            reason: "\(evidence.leadingComponent.name): the weight may not rise",
            logEvidence: evidence.logEvidence)
    }

    /// What the steps say; nil if only people take them.
    private func advance(at now: MonotonicTime, _ isDrifting: Bool) -> AdvanceDecision? {
        guard rollout.phase == .canary, let rule = policy.advanceRule(of: rollout),
            let step = rule.steps.firstIndex(where: { $0.share == rollout.weight.percent / 100 })
        else { return nil }
        return rule.decision(
            evidence, step: step, stepAgeMilliseconds: stepAgeMilliseconds(now),
            rolloutAgeMilliseconds: ageMilliseconds(now), isDriftAlarmOn: isDrifting)
    }

    /// Everything, for people.
    func status(at now: MonotonicTime, isDrifting: Bool = false) -> KassaV1.GuardStatus {
        var status = KassaV1.GuardStatus(evidence)
        switch advance(at: now, isDrifting) {
        case .hold(let reasons), .pause(let reasons): status.holds = reasons.names
        case .advance, .complete, nil: break
        }
        if let defect { status.holds.append(defect) }
        status.policy = policy
        status.samples = samples.filter { !$0.entities.isEmpty }
        status.ageMs = ageMilliseconds(now)
        status.stepAgeMs = stepAgeMilliseconds(now)
        return status
    }

    /// What is to be stored.
    func stored(at now: MonotonicTime) -> KassaStorageV1.StoredEvidence {
        KassaStorageV1.StoredEvidence(
            rolloutId: id, evidence: evidence.encoded(),
            samples: samples.filter { !$0.entities.isEmpty }, ageMs: ageMilliseconds(now),
            stepAgeMs: stepAgeMilliseconds(now), isShadow: isShadow)
    }
}

/// What a guard wants to be done to a scorer's slots.
struct GuardOrder: Sendable {
    let rollout: UInt64
    let scorer: String
    let verb: Verb
    let reason: String
    let model: String
    let logEvidence: Double
    let isViolation: Bool
    let isDeadline: Bool
}
