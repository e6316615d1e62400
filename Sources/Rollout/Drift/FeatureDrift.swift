// SPDX-License-Identifier: Apache-2.0

/// Watches one feature of one slot against its reference, window by window.
///
/// ```swift
/// var drift = FeatureDrift(reference: reference, budget: DriftBudget(featureCount: 40))
/// drift.observe(number: 12.5, isStale: false)            // per request
/// if drift.closeWindow().isShifted { page() }            // every few minutes
/// ```
package struct FeatureDrift: Equatable, Sendable {
    /// Windows in a row that must exceed the threshold.
    package static let windowsInARow = 3

    /// The reference.
    package let reference: DriftReference
    /// What fell into each bin since the window opened.
    package private(set) var counts: [UInt64]
    /// Values since the window opened that were older than their freshness allows.
    package private(set) var staleCount: UInt64 = 0
    /// The index of the last full window; 0 before.
    package private(set) var psi = 0.0
    /// The threshold that the last full window had.
    package private(set) var psiThreshold = Double.infinity
    /// Full windows in a row that exceeded it, the last one included.
    package private(set) var windowsShifted = 0
    /// The watch on each ``FeatureRate``.
    package private(set) var rates: [RateChange]

    private let psiError: Double

    /// Nothing observed yet.
    package init(reference: DriftReference, budget: DriftBudget) {
        self.reference = reference
        counts = [UInt64](repeating: 0, count: reference.bins.count)
        psiError = budget.psiErrorPerWindow
        let total = max(Double(reference.total), 1)
        let bins = reference.bins
        let expected = [
            Double(reference.counts[bins.missingIndex]) / total,
            Double(reference.counts[bins.unseenIndex]) / total, 0,
        ]
        rates = expected.map {
            RateChange(referenceRate: $0, runLength: budget.rateRunLength)
        }
    }

    /// Takes one value of a number; NaN is missing.
    package mutating func observe(number: Double, isStale: Bool = false) {
        counts[reference.bins.index(ofNumber: number)] &+= 1
        if isStale { staleCount &+= 1 }
    }

    /// Takes one value of a category by its hash; nil is missing.
    package mutating func observe(category hash: UInt64?, isStale: Bool = false) {
        counts[reference.bins.index(ofCategory: hash)] &+= 1
        if isStale { staleCount &+= 1 }
    }

    /// Adds what another thread has counted in the same bins.
    package mutating func add(counts other: [UInt64], stale: UInt64) {
        precondition(other.count == counts.count)
        for bin in counts.indices { counts[bin] &+= other[bin] }
        staleCount &+= stale
    }

    /// Ends the window if it has values enough, and says how the feature stands.
    ///
    /// A window with too few values stays open: little traffic is no drift, and no proof of none.
    @discardableResult
    package mutating func closeWindow() -> FeatureDriftStatus {
        let total = counts.reduce(0, &+)
        guard total >= PSI.windowValuesMin else { return status }
        psi = PSI.index(counts, reference: reference.counts)
        psiThreshold = PSI.threshold(
            values: total, referenceValues: reference.total, bins: counts.count, error: psiError)
        windowsShifted = psi > psiThreshold ? windowsShifted + 1 : 0
        rates[FeatureRate.null.rawValue].close(
            count: counts[reference.bins.missingIndex], of: total)
        rates[FeatureRate.unseen.rawValue].close(
            count: counts[reference.bins.unseenIndex], of: total)
        rates[FeatureRate.stale.rawValue].close(count: min(staleCount, total), of: total)
        for bin in counts.indices { counts[bin] = 0 }
        staleCount = 0
        return status
    }

    /// How the feature stood at the end of the last full window.
    package var status: FeatureDriftStatus {
        FeatureDriftStatus(
            isShifted: windowsShifted >= Self.windowsInARow,
            risenRates: FeatureRate.allCases.filter { rates[$0.rawValue].alarmWindow != nil })
    }
}

/// How a feature stands against its reference.
package struct FeatureDriftStatus: Equatable, Sendable {
    /// Its distribution has shifted for ``FeatureDrift/windowsInARow`` windows.
    package let isShifted: Bool
    /// The rates that have risen.
    package let risenRates: [FeatureRate]

    /// Whether somebody should know.
    package var isAlarm: Bool { isShifted || !risenRates.isEmpty }
}
