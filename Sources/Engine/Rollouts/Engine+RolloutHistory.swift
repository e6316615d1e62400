// SPDX-License-Identifier: Apache-2.0

package import API
internal import Rollout
internal import Store
internal import Wire

/// How slots came to be as they are. Each reply has up to ``AuditLimits/recordsMax`` transitions and
/// ``AuditLimits/replyByteCountMax`` bytes of them, whatever a record holds.
extension Engine {
    /// What was done to a scorer's slots, newest first. Control work that reads what it returns.
    package func rolloutHistory(
        _ request: KassaV1.RolloutHistoryRequest
    ) throws(EngineError) -> KassaV1.RolloutHistoryResponse {
        guard published.current.scorerSpec(request.scorer) != nil else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        var page = try TransitionPage(limit: request.limit)
        try eachTransition(of: request.scorer, before: request.beforeRevision) { page.add($0) }
        return KassaV1.RolloutHistoryResponse(transitions: page.transitions)
    }

    /// One rollout from its records: every recorded verb is carried out again, from the slots that the
    /// rollout began with, and must give what was recorded, also where the answer has not room for it.
    /// Control work: it also recomputes the audit log's links.
    package func explainRollout(
        _ request: KassaV1.ExplainRolloutRequest
    ) throws(EngineError) -> KassaV1.ExplainRolloutResponse {
        var page = try TransitionPage(limit: request.limit)
        let scorer = try scorer(ofRollout: request.rolloutId)
        var records: [KassaV1.RolloutTransition] = []
        try eachTransition(of: scorer, before: 0) { transition in
            guard transition.rolloutId == request.rolloutId else { return true }
            records.append(transition)
            // What is behind its beginning is of others.
            return transition.phaseBefore.rawValue != 0
        }
        let end = request.beforeRevision == 0 ? UInt64.max : request.beforeRevision
        let wanted = records.filter { $0.revision < end }
        _ = wanted.first { !page.add($0) }
        records.reverse()
        let disagreement =
            RolloutReplay.disagreement(in: records) ?? EvidenceReplay.disagreement(in: records)
        return KassaV1.ExplainRolloutResponse(
            scorer: scorer, transitions: page.transitions.reversed(), agrees: disagreement == nil,
            disagreement: disagreement ?? "", chainIntact: try auditChain().brokenAt == nil,
            leftOut: UInt64(wanted.count - page.transitions.count),
            guard: EvidenceReplay.status(in: records))
    }

    private func scorer(ofRollout id: UInt64) throws(EngineError) -> String {
        let key = RolloutKey.scorer(ofRollout: id)
        let scorer: String?
        do throws(StoreError) {
            scorer = try environment.read { transaction throws(StoreError) -> String? in
                guard let name = try transaction.value(forKey: key.span, in: tables.rollouts),
                    let text = try? UTF8Span(validating: name)
                else { return nil }
                return String(copying: text)
            }
        } catch {
            throw EngineError(error)
        }
        guard let scorer, id > 0 else {
            throw EngineError(.notFound, "rollout_id: there is no such rollout")
        }
        return scorer
    }

    /// Calls `body` with the recorded transitions of a scorer, newest first, until it returns false.
    ///
    /// - Parameter revision: only those that made an earlier one; 0 begins with the newest.
    private func eachTransition(
        of scorer: String, before revision: UInt64, _ body: (KassaV1.RolloutTransition) -> Bool
    ) throws(EngineError) {
        let prefix = RolloutKey.history(scorer)
        let bound = RolloutKey.history(scorer, revision: revision == 0 ? .max : revision)
        var isDamaged = false
        do throws(StoreError) {
            try environment.read { transaction throws(StoreError) in
                var failure: StoreError?
                try transaction.scanBackwards(tables.rollouts, below: bound.span) { key, value in
                    guard key.count == bound.count,
                        prefix.indices.allSatisfy({ prefix[$0] == key[$0] })
                    else { return false }
                    let revision = Self.sequence(ofKey: key.extracting(droppingFirst: prefix.count))
                    let place = [UInt8](integerBytes(readInteger(value)).reversed())
                    do throws(StoreError) {
                        let found = try transaction.value(forKey: place.span, in: tables.audit)
                        guard let found,
                            let record = try? KassaStorageV1.AuditRecord(decoding: found),
                            let transition = record.transitions.first(where: {
                                $0.scorer == scorer && $0.revision == revision
                            })
                        else {
                            isDamaged = true
                            return false
                        }
                        return body(transition)
                    } catch {
                        failure = error
                        return false
                    }
                }
                if let failure { throw failure }
            }
        } catch {
            throw EngineError(error)
        }
        guard !isDamaged else {
            throw EngineError(.dataLoss, "a record of the scorer's history is missing or damaged")
        }
    }
}

/// The transitions of one reply, as they come.
private struct TransitionPage {
    private let limit: Int
    private var byteCount = 0
    private(set) var transitions: [KassaV1.RolloutTransition] = []

    init(limit: UInt32) throws(EngineError) {
        guard limit <= UInt32(AuditLimits.recordsMax) else {
            throw EngineError(
                .invalidArgument, "limit: must be at most \(AuditLimits.recordsMax)")
        }
        self.limit = limit == 0 ? AuditLimits.recordsByDefault : Int(limit)
    }

    /// Takes one if there is room; the first always fits. Says whether another may be taken.
    mutating func add(_ transition: KassaV1.RolloutTransition) -> Bool {
        byteCount += transition.encodedBytes().count
        guard transitions.isEmpty || byteCount <= AuditLimits.replyByteCountMax else {
            return false
        }
        transitions.append(transition)
        return transitions.count < limit
    }
}
