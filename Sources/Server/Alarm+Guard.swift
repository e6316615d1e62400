// SPDX-License-Identifier: Apache-2.0

internal import Alarms
internal import Base
internal import Engine

extension Alarm {
    /// What a guard has to tell.
    init(_ alarm: GuardAlarm) {
        let kind: AlarmKind =
            switch alarm.kind {
            case .rolledBack: .rolledBack
            case .contractViolation: .contractViolation
            case .frozen: .frozen
            case .sampleRatioMismatch: .sampleRatioMismatch
            case .deadline: .deadline
            case .unjudged: .unjudged
            case .quarantinedStable: .quarantinedStable
            }
        self.init(
            kind, scorer: alarm.scorer, rolloutID: alarm.rollout, model: alarm.model,
            reason: alarm.reason,
            details: [Detail("log_evidence", alarm.logEvidence)]
                + alarm.causes.map { Detail($0.name, $0.number) })
    }
}
