// SPDX-License-Identifier: Apache-2.0

package import API
internal import Rollout
internal import Store
internal import Synchronization

/// What became of a request with outcomes: a status for each, or why nothing of it was stored.
package typealias OutcomeResult = Result<KassaV1.RecordOutcomeResponse, EngineError>

/// Reported outcomes on their way to the scores that they are about.
final class RecordOutcomes: WriteCommand {
    /// One outcome, checked.
    struct Report {
        let id: ScoreID
        let label: Bool
        /// When it happened.
        let microseconds: Int64
    }

    let durability = Durability.fast
    let recordCount: Int
    let byteCount: Int
    private let reports: [Report]
    private let receivedAt: Int64
    private let outcomes: Outcomes
    private let completion: @Sendable (OutcomeResult) -> Void
    private let result = Mutex(Applied())

    /// What the last `apply` came to.
    private struct Applied {
        var verdicts: [OutcomeVerdict] = []
        var lateLabels: [UInt32: [MaturedLabel]] = [:]
    }

    /// - Parameter reports: one or more.
    init(
        _ reports: [Report], receivedAt: Int64, _ outcomes: Outcomes,
        completion: @escaping @Sendable (OutcomeResult) -> Void
    ) {
        self.reports = reports
        self.receivedAt = receivedAt
        self.outcomes = outcomes
        self.completion = completion
        recordCount = reports.count
        byteCount = reports.count * (ScoreID.byteCount + KeptScore.byteCount)
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        var applied = Applied()
        applied.verdicts.reserveCapacity(reports.count)
        var states: [UInt32: LaneState] = [:]
        for report in reports {
            let lane = report.id.lane
            if states[lane] == nil {
                states[lane] = try LaneState.read(lane, in: transaction, outcomes.tables)
            }
            let isMature = states[lane].map { report.id <= $0.matureUpTo } ?? false
            applied.verdicts.append(
                try take(report, isMature: isMature, &applied.lateLabels, in: &transaction))
        }
        for (lane, labels) in applied.lateLabels {
            try outcomes.handOver(labels, of: outcomes.name(of: lane), in: &transaction)
        }
        result.withLock { $0 = applied }
    }

    private func take(
        _ report: Report, isMature: Bool, _ lateLabels: inout [UInt32: [MaturedLabel]],
        in transaction: inout WriteTransaction
    ) throws(StoreError) -> OutcomeVerdict {
        guard let lane = outcomes.lane(report.id.lane) else { return .unknown }
        if lane.policy.isPastHorizon(report.id, now: outcomes.expiring(lane, at: receivedAt)) {
            return .late
        }
        guard var kept = try outcomes.kept(report.id, in: transaction) else { return .unknown }
        let verdict = kept.take(report.label, at: report.microseconds)
        guard verdict == .accepted else { return verdict }
        let key = report.id.bytes
        let value = kept.bytes
        try transaction.put(value.span, forKey: key.span, in: outcomes.tables.scores)
        if isMature, let label = kept.lateLabel {
            lateLabels[report.id.lane, default: []].append(label)
        }
        return .accepted
    }

    func completed(_ outcome: WriteOutcome) {
        defer { outcomes.commandEnded() }
        switch outcome {
        case .committed:
            let applied = result.withLock { $0 }
            var counts: [UInt32: [OutcomeVerdict: Int]] = [:]
            for (report, verdict) in zip(reports, applied.verdicts) {
                counts[report.id.lane, default: [:]][verdict, default: 0] += 1
            }
            for (lane, counts) in counts {
                let scorer = outcomes.name(of: lane)
                for (verdict, count) in counts {
                    outcomes.counters.count(verdict, count, scorer: scorer)
                }
            }
            for (lane, labels) in applied.lateLabels {
                outcomes.labelsWereStored(labels, of: outcomes.name(of: lane))
            }
            completion(
                .success(
                    KassaV1.RecordOutcomeResponse(statuses: applied.verdicts.map(\.status))))
        case .failed(let error):
            completion(.failure(EngineError(error)))
        }
    }
}

extension OutcomeVerdict {
    /// The status as the API says it.
    fileprivate var status: KassaV1.OutcomeStatus {
        switch self {
        case .accepted: .outcomeAccepted
        case .duplicate: .outcomeDuplicate
        case .conflicting: .outcomeConflicting
        case .unknown: .outcomeUnknown
        case .late: .outcomeLate
        }
    }
}
