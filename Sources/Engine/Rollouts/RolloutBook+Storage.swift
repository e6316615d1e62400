// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout
internal import Store
internal import Wire

/// The keys of the table of rollouts.
enum RolloutKey {
    static let slots = Array("slots/".utf8)
    static let quarantine = Array("quarantine/".utf8)

    /// The slots of a scorer.
    static func slots(_ scorer: String) -> [UInt8] { slots + Array(scorer.utf8) }
    /// A bundle in quarantine.
    static func quarantine(_ digest: [UInt8]) -> [UInt8] { quarantine + digest }
    /// Which scorer a rollout is of.
    static func scorer(ofRollout id: UInt64) -> [UInt8] { Array("rollout/".utf8) + bigEndian(id) }
    static let evidence = Array("guard/".utf8)
    /// What the guard of an open rollout knows.
    static func evidence(ofRollout id: UInt64) -> [UInt8] { evidence + bigEndian(id) }
    /// Who has spoken in it.
    static func filters(ofRollout id: UInt64) -> [UInt8] {
        Array("guard-filters/".utf8) + bigEndian(id)
    }
    static let hours = Array("hours/".utf8)
    /// What each hour of the day usually brings a scorer's models.
    static func hours(_ scorer: String) -> [UInt8] { hours + Array(scorer.utf8) }
    static let drift = Array("drift/".utf8)
    /// The drift alarms of a scorer that are on.
    static func drift(_ scorer: String) -> [UInt8] { drift + Array(scorer.utf8) }
    /// The transitions of a scorer; a revision behind it tells one.
    static func history(_ scorer: String) -> [UInt8] { Array("history/\(scorer)/".utf8) }
    /// The audit record of one transition.
    static func history(_ scorer: String, revision: UInt64) -> [UInt8] {
        history(scorer) + bigEndian(revision)
    }

    /// Whether an entry of the table is what one of these keys is written with.
    static func accepts(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        let key = key.indices.map { key[$0] }
        if key.starts(with: slots) {
            guard let stored = try? KassaStorageV1.StoredSlots(decoding: value) else {
                return false
            }
            return ScorerRollout(stored) != nil
        }
        if key.starts(with: quarantine) {
            return (try? KassaStorageV1.StoredQuarantine(decoding: value)) != nil
        }
        return true
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] { integerBytes(number).reversed() }
}

extension ScorerRollout {
    /// The slots as they are stored.
    func stored(as scorer: String) -> KassaStorageV1.StoredSlots {
        KassaStorageV1.StoredSlots(
            scorer: scorer, revision: slots.revision, stable: slots.stable.stored,
            previous: slots.previous?.stored, previousSinceUs: previousSinceMicroseconds,
            rollout: slots.rollout.map {
                $0.stored(startedAtMicroseconds, changedAtMicroseconds, policy)
            }, lastVerb: slots.lastVerb,
            promotion: slots.promotion.map {
                $0.stored(promotionStartedAtMicroseconds, 0, promotionPolicy)
            })
    }

    /// The slots that were stored; nil if they contradict themselves.
    init?(_ stored: KassaStorageV1.StoredSlots) {
        guard let stable = stored.stable.flatMap(Bundle.init(stored:)) else { return nil }
        let rollout = stored.rollout.flatMap(RolloutState.init(stored:))
        let promotion = stored.promotion.flatMap(RolloutState.init(stored:))
        guard (rollout == nil) == (stored.rollout == nil),
            (promotion == nil) == (stored.promotion == nil)
        else { return nil }
        self.init(
            slots: ScorerSlots(
                stable: stable, previous: stored.previous.flatMap(Bundle.init(stored:)),
                promotion: promotion, rollout: rollout, revision: stored.revision,
                lastVerb: stored.lastVerb))
        startedAtMicroseconds = stored.rollout?.startedAtUs ?? 0
        changedAtMicroseconds = stored.rollout?.changedAtUs ?? 0
        previousSinceMicroseconds = stored.previousSinceUs
        policy = stored.rollout?.guard ?? KassaV1.GuardPolicy()
        let promoted = stored.promotion ?? stored.rollout
        promotionStartedAtMicroseconds = promoted?.startedAtUs ?? 0
        promotionPolicy = promoted?.guard ?? KassaV1.GuardPolicy()
    }
}

extension RolloutState {
    fileprivate func stored(
        _ startedAt: Int64, _ changedAt: Int64, _ policy: KassaV1.GuardPolicy
    ) -> KassaStorageV1.StoredRollout {
        KassaStorageV1.StoredRollout(
            id: id, salt: salt, candidate: candidate.stored, baseline: baseline.stored,
            phase: UInt32(phase.rawValue), weightMillionths: weight.millionths,
            stepMillionths: steps.map(\.millionths), startedAtUs: startedAt,
            changedAtUs: changedAt, guard: policy)
    }

    fileprivate init?(stored: KassaStorageV1.StoredRollout) {
        let steps = stored.stepMillionths.compactMap(Weight.init(millionths:))
        guard let candidate = stored.candidate.flatMap(Bundle.init(stored:)),
            let baseline = stored.baseline.flatMap(Bundle.init(stored:)),
            let phase = UInt8(exactly: stored.phase).flatMap(RolloutPhase.init(rawValue:)),
            let weight = Weight(millionths: stored.weightMillionths),
            steps.count == stored.stepMillionths.count
        else { return nil }
        self.init(
            id: stored.id, salt: stored.salt, candidate: candidate, baseline: baseline,
            phase: phase, weight: weight, steps: steps)
    }
}

extension Bundle {
    fileprivate var stored: KassaStorageV1.StoredBundle {
        KassaStorageV1.StoredBundle(model: model, bundleSha256: digest)
    }

    fileprivate init?(stored: KassaStorageV1.StoredBundle) {
        guard !stored.model.isEmpty, !stored.bundleSha256.isEmpty else { return nil }
        self.init(model: stored.model, digest: stored.bundleSha256)
    }
}

extension RolloutBook {
    /// What the table of rollouts holds, made to agree with the scorers and models that are there.
    ///
    /// Where the two disagree nothing is guessed: the candidate gets no weight and the rollout pauses, or
    /// ends if its model is gone; PREVIOUS is emptied.
    init(
        _ stored: [KassaStorageV1.StoredSlots], _ quarantine: [KassaStorageV1.StoredQuarantine],
        scorers specs: [KassaV1.ScorerSpec], model: (String) -> Model?
    ) {
        for entry in quarantine { self.quarantine[entry.bundleSha256] = entry }
        let quarantined = Set(self.quarantine.keys)
        for entry in stored {
            guard let spec = specs.first(where: { $0.name == entry.scorer }),
                let stable = model(spec.model)?.bundle
            else { continue }
            guard var found = ScorerRollout(entry) else {
                // The record cannot be read: STABLE alone, at a revision that nobody expects.
                let revision = entry.revision
                scorers[spec.name] = ScorerRollout(
                    slots: ScorerSlots(stable: stable, revision: revision))
                continue
            }
            found.slots = found.slots.reconciled(stable: stable) { bundle in
                // One that fails its golden rows now does not answer or wait in a slot either, nor does
                // one in quarantine, which earlier releases left in the slots of other scorers.
                model(bundle.model).map {
                    $0.bundle == bundle && $0.isServed && !quarantined.contains(bundle.digest)
                } ?? false
            }
            scorers[spec.name] = found
        }
    }
}
