// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// Carries the recorded verbs of one rollout out again and compares what they give with the record.
enum RolloutReplay {
    /// Where the records of one rollout, oldest first, disagree with its verbs; nil if nowhere.
    static func disagreement(in records: [KassaV1.RolloutTransition]) -> String? {
        guard let first = records.first else { return "no record of it is left" }
        guard first.phaseBefore.rawValue == 0 else { return "its beginning is not on record" }
        // Before it, STABLE had what it has after a beginning; a promotion inside is replayed.
        var slots = ScorerSlots(
            stable: Bundle(model: first.stable, digest: first.stableSha256),
            revision: first.revision &- 1)
        let candidate = Bundle(model: first.candidate, digest: first.candidateSha256)
        let draw = RolloutDraw(id: first.rolloutId, salt: first.salt)
        for record in records {
            guard let verb = verb(of: record, candidate) else {
                return "revision \(record.revision): no such verb"
            }
            if record.phase == record.phaseBefore,
                ["undo", "quarantine", "release-previous"].contains(record.verb)
            {
                // It was about PREVIOUS, which an earlier rollout left.
                let stable = Bundle(model: record.stable, digest: record.stableSha256)
                slots = ScorerSlots(
                    stable: stable, rollout: slots.rollout, revision: record.revision)
                continue
            }
            // Between the records lie changes that belong to no rollout, such as a release of PREVIOUS.
            slots = ScorerSlots(
                stable: slots.stable, previous: slots.previous, rollout: slots.rollout,
                revision: record.revision &- 1, lastVerb: slots.lastVerb)
            do throws(RolloutRefusal) {
                slots = try slots.applying(verb, as: draw).slots
            } catch {
                return "revision \(record.revision): \(error.reason)"
            }
            let phase = KassaV1.RolloutPhase(slots.rollout?.phase)
            guard phase == record.phase, slots.rollout?.weight.percent == record.weightPercent,
                slots.stable.model == record.stable, slots.stable.digest == record.stableSha256,
                slots.rollout?.candidate == candidate, slots.revision == record.revision
            else {
                return "revision \(record.revision): \(verb) gives \(phase.word)"
            }
        }
        return nil
    }

    private static func verb(
        of record: KassaV1.RolloutTransition, _ candidate: Bundle
    ) -> Verb? {
        let weight = Weight(percent: record.weightPercent)
        let steps = record.stepPercents.compactMap(Weight.init(percent:))
        switch record.verb {
        case "shadow": return .shadow(candidate)
        case "canary": return weight.map { .canary(candidate, $0, steps: steps) }
        case "set-weight": return weight.map { .setWeight($0) }
        case "pause": return .pause
        case "resume": return .resume
        // What a step became tells a full promotion from a step.
        case "promote": return .promote(isFull: record.phase.rawValue == 4)
        case "abort": return .abort
        case "undo": return .undo
        case "roll-back": return .rollBack
        case "quarantine": return .quarantine(candidate.digest)
        case "release-previous": return .releasePrevious
        default: return nil
        }
    }
}
