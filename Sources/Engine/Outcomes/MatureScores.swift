// SPDX-License-Identifier: Apache-2.0

internal import Rollout
internal import Store
internal import Synchronization

/// Sees to the scores of one scorer that have matured or passed their horizon, a bounded number at once.
///
/// The cursor moves in the transaction that counts the labels which it passes, so that each is counted
/// once, wherever a process ends.
final class MatureScores: WriteCommand {
    let durability = Durability.fast
    let recordCount = 2 * OutcomeLimits.maturedScoresMax
    let byteCount = 2 * OutcomeLimits.maturedScoresMax * (ScoreID.byteCount + KeptScore.byteCount)
    private let lane: OutcomeLane
    private let maturing: Int64
    private let expiring: Int64
    private let outcomes: Outcomes
    private let result = Mutex(Applied())

    /// What the last `apply` came to.
    private struct Applied {
        var labels: [MaturedLabel] = []
        var knownCount = 0
        var unknownCount = 0
        var damagedCount = 0
        var hasMore = false
    }

    init(_ lane: OutcomeLane, now: Int64, _ outcomes: Outcomes) {
        self.lane = lane
        maturing = outcomes.maturing(lane, at: now)
        expiring = outcomes.expiring(lane, at: now)
        self.outcomes = outcomes
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        var applied = Applied()
        var state = try LaneState.read(lane.number, in: transaction, outcomes.tables)
        let before = state
        try mature(&state, &applied, in: &transaction)
        try expire(&state, &applied, in: &transaction)
        if state != before { try state.write(in: &transaction, outcomes.tables) }
        if !applied.labels.isEmpty {
            try outcomes.handOver(applied.labels, of: lane.name, in: &transaction)
        }
        result.withLock { $0 = applied }
    }

    private func mature(
        _ state: inout LaneState, _ applied: inout Applied,
        in transaction: inout WriteTransaction
    ) throws(StoreError) {
        let last = lane.policy.lastMature(lane: lane.number, now: maturing)
        guard last > state.matureUpTo else { return }
        var due: [(id: ScoreID, kept: KeptScore?)] = []
        var hasMore = false
        let prefix = LaneState.key(lane.number)
        let start = state.matureUpTo.next.bytes
        try transaction.scan(outcomes.tables.scores, prefix: prefix.span, from: start.span) {
            key, value in
            guard let id = ScoreID(bytes: key), id <= last else { return false }
            guard due.count < OutcomeLimits.maturedScoresMax else {
                hasMore = true
                return false
            }
            due.append((id, KeptScore(value, id: id)))
            return true
        }
        for (id, kept) in due {
            let key = id.bytes
            guard var kept else {
                if try transaction.delete(key.span, in: outcomes.tables.scores) {
                    applied.damagedCount += 1
                    state.keptCount -= min(1, state.keptCount)
                }
                continue
            }
            let before = kept.outcome
            let label = kept.mature(absent: lane.policy.absent)
            if kept.outcome != before {
                let value = kept.bytes
                try transaction.put(value.span, forKey: key.span, in: outcomes.tables.scores)
            }
            if let label { applied.labels.append(label) }
        }
        state.openCount -= min(UInt64(due.count), state.openCount)
        // A cursor at the clock, not at the last score, would refuse scores of a clock that steps back.
        if let reached = due.last?.id { state.matureUpTo = reached }
        if hasMore { applied.hasMore = true }
    }

    /// Deletes what is past the horizon; it has matured, because a horizon is never before maturity.
    private func expire(
        _ state: inout LaneState, _ applied: inout Applied,
        in transaction: inout WriteTransaction
    ) throws(StoreError) {
        var due: [(id: ScoreID, kept: KeptScore?)] = []
        let reached = state.matureUpTo
        let prefix = LaneState.key(lane.number)
        var hasMore = false
        try transaction.scan(outcomes.tables.scores, prefix: prefix.span) { key, value in
            guard let id = ScoreID(bytes: key), id <= reached,
                lane.policy.isPastHorizon(id, now: expiring)
            else { return false }
            guard due.count < OutcomeLimits.maturedScoresMax else {
                hasMore = true
                return false
            }
            due.append((id, KeptScore(value, id: id)))
            return true
        }
        for (id, kept) in due {
            let key = id.bytes
            _ = try transaction.delete(key.span, in: outcomes.tables.scores)
            if kept?.outcome.label == nil {
                applied.unknownCount += 1
            } else {
                applied.knownCount += 1
            }
        }
        state.keptCount -= min(UInt64(due.count), state.keptCount)
        if hasMore { applied.hasMore = true }
    }

    func completed(_ outcome: WriteOutcome) {
        var hasMore = false
        if case .committed = outcome {
            let applied = result.withLock { $0 }
            outcomes.counters.count(.known, applied.knownCount)
            outcomes.counters.count(.unknown, applied.unknownCount)
            outcomes.counters.count(.damaged, applied.damagedCount)
            outcomes.labelsWereStored(applied.labels, of: lane.name)
            hasMore = applied.hasMore
        }
        outcomes.maturingEnded(hasMore: hasMore)
    }
}
