// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// How a scorer's drift is judged, as its document says.
struct DriftSettings: Equatable, Sendable {
    let windowMilliseconds: UInt64
    let falsePagesPerMonth: Double
    let policy: DriftPolicy

    /// The settings of a document that has passed ``fault(_:)``; out of range means the default.
    init(_ spec: KassaV1.DriftSpec?) {
        let spec = spec.flatMap { Self.fault($0) == nil ? $0 : nil } ?? KassaV1.DriftSpec()
        windowMilliseconds =
            spec.windowMs == 0 ? DriftLimits.windowMillisecondsDefault : spec.windowMs
        falsePagesPerMonth =
            spec.falsePagesPerMonth == 0
            ? DriftBudget(featureCount: 1).falsePagesPerMonth : spec.falsePagesPerMonth
        var policy = DriftPolicy()
        policy.onSharedDrift = spec.onSharedDrift == .rollback ? .rollback : .page
        if spec.bakeMs > 0 { policy.bakeMilliseconds = spec.bakeMs }
        self.policy = policy
    }

    /// Whether a window belongs to one hour of the day.
    var tellsHoursApart: Bool { windowMilliseconds <= DayHour.windowSecondsMax * 1_000 }

    /// What is wrong with a document's key `drift`, beginning with the field; nil if nothing is.
    static func fault(_ spec: KassaV1.DriftSpec) -> String? {
        let windows = DriftLimits.windowMilliseconds
        guard spec.windowMs == 0 || windows.contains(spec.windowMs) else {
            return "window_ms: must be from \(windows.lowerBound) to \(windows.upperBound)"
        }
        var budget = DriftBudget(featureCount: 1)
        if spec.falsePagesPerMonth != 0 { budget.falsePagesPerMonth = spec.falsePagesPerMonth }
        guard budget.fault == nil else {
            return "false_pages_per_month: must be from 0.001 to 1000"
        }
        guard spec.bakeMs <= DriftLimits.bakeMillisecondsMax else {
            return "bake_ms: must be at most \(DriftLimits.bakeMillisecondsMax)"
        }
        guard spec.sampleEvery <= DriftLimits.sampleEveryMax else {
            return "sample_every: must be at most \(DriftLimits.sampleEveryMax)"
        }
        guard spec.onSharedDrift == .page || spec.onSharedDrift == .rollback else {
            return "on_shared_drift: must be PAGE or ROLLBACK"
        }
        return nil
    }

    /// The share of the budget that one model's features have: half of it, because a canary's have the
    /// other half.
    func budget(watchCount: Int) -> DriftBudget {
        var budget = DriftBudget(featureCount: 2 * max(watchCount, 1))
        budget.falsePagesPerMonth = falsePagesPerMonth
        budget.windowMilliseconds = windowMilliseconds
        return budget
    }
}
