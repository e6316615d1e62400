// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What the guard knows of one watched rollout: an open one, or a promotion that can be undone.
///
/// It belongs to whoever holds the lock of ``Guards``, and only its own extensions write to it.
final class GuardedRollout {
    let id: UInt64
    let scorer: String
    private(set) var rollout: RolloutState
    private(set) var policy: KassaV1.GuardPolicy
    private(set) var brake: Brake
    var evidence: Evidence
    /// Why it cannot be judged any more: its evidence is lost, or it has had too many weights.
    var defect: String?
    /// When the event came that decided, by the monotonic clock; 0 as long as none has.
    var decidedAtNanoseconds: UInt64 = 0
    /// Events that were weighed, and those that came under another weight than the present one.
    var eventCount: UInt64 = 0
    var staleCount: UInt64 = 0
    /// Entities that something happened to, the first of each kind.
    var samples: [KassaV1.GuardSample] = GuardedRollout.kinds.map {
        KassaV1.GuardSample(event: $0)
    }
    /// What was the matter with those that evidence has counted.
    var causes = CauseCounts()
    /// What the causes' numbers in events mean.
    let causeBook: CauseBook
    /// Grows with everything that changes what is stored of it, but for its age.
    var changeCount: UInt64 = 0
    var isFreezeTold = false
    /// Whether somebody was woken for the verdict.
    var isVerdictTold = false
    /// Whether evidence is weighed under the share that is in force.
    private(set) var hasShare = true
    /// When judging began in this process, and how long it had lasted before.
    private var ageBase: MonotonicTime
    private var ageBefore: UInt64 = 0
    private var stepBase: MonotonicTime
    private var stepAgeBefore: UInt64 = 0
    private var deadlineBase: MonotonicTime
    private var deadlineAgeBefore: UInt64 = 0
    private var lastLook: MonotonicTime

    /// What entities are on record for: the kinds of bad events by their raw values, then two more.
    private static let kinds =
        BadEvent.allCases.map { EvidenceComponent($0).name } + [
            EvidenceComponent.decisionFlips.name, "violations",
        ]
    /// The places of those two.
    static let differingKind = BadEvent.allCases.count
    static let violationKind = differingKind + 1

    /// Begins with `stored`, or anew.
    init(
        _ scorer: String, _ rollout: RolloutState, _ policy: KassaV1.GuardPolicy, _ brake: Brake,
        stored: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)?,
        causes causeBook: CauseBook = CauseBook(), now: MonotonicTime
    ) {
        self.causeBook = causeBook
        id = rollout.id
        self.scorer = scorer
        self.rollout = rollout
        self.policy = policy
        self.brake = brake
        ageBase = now
        stepBase = now
        deadlineBase = now
        lastLook = now
        let mode = WatchMode(of: rollout)
        let share = Self.share(mode.share(of: rollout))
        let unit = mode == .aftercare ? Self.aftercareSeedUnit : Self.seedUnit
        let seed = EntityHash(salt: rollout.salt)(unit.span)
        if let stored {
            let filters = stored.filters ?? []
            do throws(EvidenceError) {
                evidence = try Self.decode(stored.state.evidence, filters)
                // A number that was damaged must not overflow with the time that is added.
                ageBefore = min(stored.state.ageMs, UInt64.max / 2)
                stepAgeBefore = min(stored.state.stepAgeMs, UInt64.max / 2)
                // Between the commit of a resume and the next storing of evidence there may have been a kill.
                deadlineAgeBefore =
                    stored.state.isHeld
                    ? 0 : min(stored.state.deadlineAgeMs ?? stored.state.ageMs, UInt64.max / 2)
                for index in samples.indices {
                    samples[index].entities =
                        stored.state.samples.first { $0.event == samples[index].event }?.entities
                        ?? []
                }
                causes = CauseCounts(stored.state.causes)
                if evidence.share != share || stored.state.mode != UInt32(mode.rawValue) {
                    beginStep(now)
                }
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
    private static let aftercareSeedUnit = Array("aftercare".utf8)

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

    static func share(_ millionths: UInt32) -> Double {
        Double(millionths) / Double(Weight.wholeMillionths)
    }

    /// Follows the rollout's state in a newer configuration.
    func follow(
        _ rollout: RolloutState, _ policy: KassaV1.GuardPolicy, _ brake: Brake, now: MonotonicTime
    ) {
        let isStep =
            mode != WatchMode(of: rollout) || self.rollout.weight != rollout.weight
        if rollout.phase.beginsDeadline(after: self.rollout.phase) {
            deadlineBase = now
            deadlineAgeBefore = 0
        }
        // A restart must know that it was held, too.
        if rollout.phase != self.rollout.phase { changeCount &+= 1 }
        self.rollout = rollout
        self.policy = policy
        self.brake = brake
        if isStep { beginStep(now) }
    }

    private func beginStep(_ now: MonotonicTime) {
        stepBase = now
        stepAgeBefore = 0
        changeCount &+= 1
        do throws(EvidenceError) {
            try evidence.beginStep(share: Self.share(weightMillionths))
            hasShare = true
        } catch {
            hasShare = false
            defect = "it has had too many weights to be judged"
        }
    }

    var mode: WatchMode { WatchMode(of: rollout) }
    /// The share that evidence is weighed under.
    var weightMillionths: UInt32 { mode.share(of: rollout) }
    func ageMilliseconds(_ now: MonotonicTime) -> UInt64 {
        ageBefore + now.nanoseconds(since: ageBase) / 1_000_000
    }
    func stepAgeMilliseconds(_ now: MonotonicTime) -> UInt64 {
        stepAgeBefore + now.nanoseconds(since: stepBase) / 1_000_000
    }

    /// How long it has been a canary that nobody holds; 0 if it is none.
    func deadlineAgeMilliseconds(_ now: MonotonicTime) -> UInt64 {
        guard rollout.phase == .canary else { return 0 }
        return deadlineAgeBefore + now.nanoseconds(since: deadlineBase) / 1_000_000
    }

    /// Takes time in which nobody looked, because the process was stopped, off the step's age: nothing was
    /// observed then. To be called before the clock is read for a decision.
    func look(at now: MonotonicTime) {
        let gap = now.nanoseconds(since: lastLook)
        lastLook = max(lastLook, now)
        guard gap > GuardLimits.unobservedNanosecondsMax else { return }
        stepBase = min(stepBase.advanced(byNanoseconds: gap), now)
    }
}
