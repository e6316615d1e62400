// SPDX-License-Identifier: Apache-2.0

internal import Rollout
internal import Store
internal import Synchronization

/// Recorded scores on their way to the store.
final class KeepScores: WriteCommand {
    let durability = Durability.fast
    let recordCount: Int
    let byteCount: Int
    private let scores: [RecordedScore]
    private let outcomes: Outcomes
    private let tally = Mutex(Tally())

    /// What the last `apply` came to.
    private struct Tally {
        var kept: [UInt32: Int] = [:]
        var lateCount = 0
        var evictedCount = 0
    }

    /// - Parameter scores: one or more, in any order.
    init(_ scores: [RecordedScore], _ outcomes: Outcomes) {
        self.scores = scores.sorted { $0.id < $1.id }
        self.outcomes = outcomes
        recordCount = scores.count
        byteCount = scores.count * (ScoreID.byteCount + KeptScore.byteCount)
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        var tally = Tally()
        var start = 0
        while start < scores.count {
            let lane = scores[start].id.lane
            let end = scores[start...].firstIndex { $0.id.lane != lane } ?? scores.count
            var state = try LaneState.read(lane, in: transaction, outcomes.tables)
            for score in scores[start..<end] {
                guard score.id > state.matureUpTo else {
                    tally.lateCount += 1
                    continue
                }
                let key = score.id.bytes
                let value = KeptScore(score).bytes
                try transaction.put(value.span, forKey: key.span, in: outcomes.tables.scores)
                state.keptCount &+= 1
                state.openCount &+= 1
                tally.kept[lane, default: 0] += 1
            }
            tally.evictedCount += try evict(&state, in: &transaction)
            try state.write(in: &transaction, outcomes.tables)
            start = end
        }
        self.tally.withLock { $0 = tally }
    }

    /// Deletes the oldest scores that are too many, at most twice as many as were added.
    private func evict(
        _ state: inout LaneState, in transaction: inout WriteTransaction
    ) throws(StoreError) -> Int {
        guard state.keptCount > outcomes.scoresPerScorerMax else { return 0 }
        let count = min(
            Int(clamping: state.keptCount - outcomes.scoresPerScorerMax), 2 * scores.count)
        var oldest: [ScoreID] = []
        let prefix = LaneState.key(state.matureUpTo.lane)
        try transaction.scan(outcomes.tables.scores, prefix: prefix.span) { key, _ in
            if let id = ScoreID(bytes: key) { oldest.append(id) }
            return oldest.count < count
        }
        for id in oldest {
            let key = id.bytes
            _ = try transaction.delete(key.span, in: outcomes.tables.scores)
            state.keptCount -= min(1, state.keptCount)
            if id > state.matureUpTo { state.openCount -= min(1, state.openCount) }
        }
        return oldest.count
    }

    func completed(_ outcome: WriteOutcome) {
        defer { outcomes.commandEnded() }
        guard case .committed = outcome else {
            return outcomes.counters.count(
                .store, scores.count, lane: outcomes.counters.writerLane)
        }
        let tally = tally.withLock { $0 }
        for (lane, count) in tally.kept {
            outcomes.counters.countRecorded(count, scorer: outcomes.name(of: lane))
        }
        outcomes.counters.count(.bound, tally.evictedCount)
        if tally.lateCount > 0 {
            outcomes.counters.count(
                .tooLate, tally.lateCount, lane: outcomes.counters.writerLane)
        }
    }
}
