// SPDX-License-Identifier: Apache-2.0

/// How often the world's drift may page somebody for nothing, and what that makes of each test.
///
/// A budget of false pages a month is shared by everything that can page. With N tests that are
/// looked at W times a month, a test that errs with probability budget/(N·W) a look, or once in
/// N·W/budget looks, keeps it: by the union bound, so whatever depends on what.
package struct DriftBudget: Equatable, Sendable {
    /// False pages a month that are tolerated, all features and signals together.
    package var falsePagesPerMonth = 0.5
    /// How many features are watched, on all slots together; a slot's scores are one more.
    package var featureCount: Int
    /// How long a window lasts at least.
    package var windowMilliseconds: UInt64 = 300_000

    /// The default budget for that many features.
    package init(featureCount: Int) {
        self.featureCount = max(featureCount, 1)
    }

    /// Why the budget cannot be used; nil if it can.
    package var fault: EvidenceError? {
        guard falsePagesPerMonth >= 0.001 && falsePagesPerMonth <= 1_000 else {
            return .outOfRange("false_pages_per_month")
        }
        guard windowMilliseconds >= 100 && windowMilliseconds <= 86_400_000 else {
            return .outOfRange("window_milliseconds")
        }
        guard featureCount >= 1 && featureCount <= 1_000_000 else {
            return .outOfRange("feature_count")
        }
        return nil
    }

    /// Windows in 30 days.
    package var windowsPerMonth: Double {
        2_592_000_000 / Double(max(windowMilliseconds, 1))
    }

    /// The probability with which one feature's PSI may exceed its threshold in one window by chance.
    /// PSI has half of the budget.
    package var psiErrorPerWindow: Double {
        min(falsePagesPerMonth / 2 / (Double(featureCount) * windowsPerMonth), 0.5)
    }

    /// The windows that one rate test must run on average before it errs: the threshold of its e-CUSUM.
    /// The rates of null, unseen and stale values have the other half of the budget.
    package var rateRunLength: Double {
        max(
            Double(featureCount * FeatureRate.allCases.count) * windowsPerMonth * 2
                / max(falsePagesPerMonth, 1e-6), 20)
    }
}

/// The rates that are watched for every feature.
package enum FeatureRate: Int, CaseIterable, Sendable {
    /// Values that are null or missing.
    case null
    /// Categories that the reference has never seen, or numbers outside its range.
    case unseen
    /// Values older than their freshness allows.
    case stale
}
