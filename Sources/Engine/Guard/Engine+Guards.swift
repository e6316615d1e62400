// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Glibc
internal import Base
internal import Rollout
internal import Store
internal import Synchronization
internal import Wire

/// What guards do to slots, and what they keep from being done. On the control thread.
extension Engine {
    /// Carries out what a guard wants, if it still watches what it did.
    func carryOut(_ order: GuardOrder) {
        let base = published.current
        guard let spec = base.scorerSpec(order.scorer),
            let watched = base.rollout(of: spec).watched(for: spec)?.rollout,
            watched.id == order.rollout, (WatchMode(of: watched) == .aftercare) == order.isAftercare
        else { return }
        // A drift alarm may have come on since the order was made; it is made again when it is off.
        if case .promote = order.verb, driftGuard.isFrozen(order.scorer) { return }
        let call = VerbCall(
            scorer: order.scorer, expectedRevision: nil, actor: "guard", reason: order.reason)
        var verb = order.verb
        if case .rollBack = verb {
            // Behind the promotion a rollout has begun and ended, which a roll-back would be about.
            if base.rollout(of: spec).slots.rollout?.id != order.rollout { verb = .undo }
            // The traffic is gone already. Answers that were under way when the brake was pulled are
            // out within this time, so that the record says how late the last one was.
            usleep(GuardLimits.lastAnswersMicroseconds)
            if let late = guards.lastAnswerMicroseconds(of: order.rollout) {
                guards.note(late, of: order.scorer)
            }
        }
        // What fails now is ordered again at the keeper's next look.
        guard let response = try? carryOut(verb, call, at: .now()), !response.unchanged,
            let alarm = order.alarm
        else { return }
        tell(alarm)
    }

    /// Has `body` called with every alarm of a guard, on a thread of the engine; it must not wait.
    package func onGuardAlarm(_ body: @escaping @Sendable (GuardAlarm) -> Void) {
        guardAlarm.withLock { $0 = body }
    }

    func tell(_ alarm: GuardAlarm) {
        guardAlarm.withLock { $0 }?(alarm)
    }

    /// Puts what the guards know into the records of transitions.
    ///
    /// What a restart goes on with is not stored beside them: that is ``GuardCare``'s, with who has spoken by then.
    func note(
        _ transitions: [SlotTransition], in records: inout [KassaV1.RolloutTransition]
    ) {
        for (index, transition) in transitions.enumerated() {
            let before = transition.before.slots
            // Where another rollout begins, that of a promotion only rests.
            guard let id = (before.openRollout ?? before.aftercare)?.id,
                records[index].rolloutId == id, let evidence = guards.record(of: id)
            else { continue }
            records[index].evidence = evidence.evidence
            records[index].samples = evidence.samples
            records[index].causes = evidence.causes
            switch transition.verb {
            case .rollBack, .undo:
                records[index].lastAnswerAfterUs = guards.lastAnswerMicroseconds(of: id)
            default: break
            }
        }
    }

    /// What the guards of a process before this one have left.
    static func storedEvidence(
        _ environment: Environment, _ tables: EngineTables
    ) throws(StoreError) -> [UInt64: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)] {
        try environment.read { transaction throws(StoreError) in
            var left: [UInt64: (state: KassaStorageV1.StoredEvidence, filters: [UInt8]?)] = [:]
            let prefix = RolloutKey.evidence
            try transaction.scan(tables.rollouts, prefix: prefix.span) { key, value in
                let id = Self.sequence(ofKey: key.extracting(droppingFirst: prefix.count))
                let state = try? KassaStorageV1.StoredEvidence(decoding: value)
                // One that cannot be read is found out when it is decoded.
                left[id] = (state ?? KassaStorageV1.StoredEvidence(rolloutId: id), nil)
                return true
            }
            for id in left.keys.sorted() {
                let key = RolloutKey.filters(ofRollout: id)
                guard let value = try transaction.value(forKey: key.span, in: tables.rollouts)
                else {
                    // Without who has spoken everybody would speak twice: that is no evidence.
                    left[id]?.state.evidence = []
                    continue
                }
                left[id]?.filters = value.indices.map { value[$0] }
            }
            return left
        }
    }
}

extension KassaV1.RolloutPhase {
    /// Whether a rollout in it is over.
    var isEnd: Bool {
        UInt8(exactly: rawValue).flatMap(RolloutPhase.init(rawValue:)).map { !$0.isOpen } ?? false
    }
}
