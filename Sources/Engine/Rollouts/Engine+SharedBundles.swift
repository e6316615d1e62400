// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What a quarantine means for the other scorers that have the bundle.
struct Sharers {
    /// The scorer whose evidence it was, or whose promotion was undone; nil if somebody named the bundle.
    let origin: String?
    /// What becomes of the others: rollouts of the bundle end, and PREVIOUS is emptied.
    var transitions: [SlotTransition] = []
    /// Those that have it in STABLE, which is never emptied.
    var stable: [KassaV1.ScorerSpec] = []

    /// The transitions that take traffic or a shadow from the bundle.
    var rolledBack: [SlotTransition] {
        transitions.filter {
            $0.before.slots.openRollout != nil && $0.after.slots.openRollout == nil
        }
    }
}

/// One bundle in the slots of several scorers: its quarantine is one transaction for all of them,
/// whoever asked for it.
extension Engine {
    /// What keeping a bundle out of slots does to all scorers but `origin`.
    func sharers(
        of digest: [UInt8], with origin: String?, _ call: VerbCall, in base: Configuration,
        at now: Timestamp
    ) -> Sharers {
        var sharers = Sharers(origin: origin)
        let reason = origin.map {
            "its bundle went into quarantine by scorer \($0)"
                + (call.reason.isEmpty ? "" : ": \(call.reason)")
        }
        let verb = Verb.quarantine(digest)
        for spec in base.scorerSpecs where spec.name != origin {
            let entry = base.rollout(of: spec)
            do throws(RolloutRefusal) {
                let change = try entry.slots.applying(verb, as: RolloutDraw(id: 0, salt: ""))
                guard change.isChange else { continue }
                sharers.transitions.append(
                    SlotTransition(
                        spec: spec, verb: verb, before: entry,
                        after: entry.after(change, at: now.microseconds), reason: reason))
            } catch {
                sharers.stable.append(spec)
            }
        }
        return sharers
    }

    /// Puts changed slots and those of the scorers that share a quarantined bundle in force and on record
    /// together, and tells of what nobody asked for.
    func put(
        _ transitions: [SlotTransition], with sharers: Sharers?, quarantine digest: [UInt8]?,
        _ call: VerbCall, over base: Configuration, at now: Timestamp
    ) throws(EngineError) -> Configuration {
        guard let sharers else {
            return try put(transitions, quarantine: digest, call, over: base, at: now)
        }
        // Not before all is decided: nobody would let go of what a refused call has pulled.
        let pulled = sharers.rolledBack.map(\.before.brake).filter { $0.pull(.rollBack) }
        let next: Configuration
        do throws(EngineError) {
            next = try put(
                transitions + sharers.transitions, quarantine: digest, call,
                details: sharers.stable.map {
                    "scorer \($0.name): STABLE \($0.model) has the quarantined bundle and stays"
                }, over: base, at: now)
        } catch {
            for brake in pulled { brake.release(.rollBack) }
            throw error
        }
        for alarm in alarms(about: sharers, call) { tell(alarm) }
        return next
    }

    /// What is told of scorers whose own rollout nobody decided about.
    private func alarms(about sharers: Sharers, _ call: VerbCall) -> [GuardAlarm] {
        let ended = sharers.rolledBack.map { transition in
            let rollout = transition.before.slots.openRollout
            return GuardAlarm(
                kind: .rolledBack, scorer: transition.spec.name, rollout: rollout?.id ?? 0,
                model: rollout?.candidate.model ?? "",
                reason: transition.reason ?? "its bundle was put into quarantine: \(call.reason)",
                logEvidence: 0)
        }
        return ended
            + sharers.stable.map { spec in
                GuardAlarm(
                    kind: .quarantinedStable, scorer: spec.name, rollout: 0, model: spec.model,
                    reason:
                        "STABLE has the bundle that scorer \(sharers.origin ?? "") put into quarantine, "
                        + "and goes on with it: promote another, or undo",
                    logEvidence: 0)
            }
    }
}
