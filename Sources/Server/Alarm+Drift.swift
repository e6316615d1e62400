// SPDX-License-Identifier: Apache-2.0

internal import Alarms
internal import Engine

extension Alarm {
    /// What the watch on drift has to tell.
    init(_ notice: DriftNotice) {
        let kind: AlarmKind =
            switch notice.kind {
            case .shared: .sharedDrift
            case .features: .featureDrift
            case .paused: .paused
            case .undone: .undo
            }
        self.init(
            kind, notice.isRaised ? .raised : .cleared, scorer: notice.scorer,
            model: notice.model, reason: notice.reason,
            details: notice.measured.map {
                [Detail("measured", $0.value), Detail("tolerated", $0.tolerated)]
            } ?? [])
    }
}
