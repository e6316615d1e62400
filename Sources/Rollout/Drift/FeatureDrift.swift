// SPDX-License-Identifier: Apache-2.0

/// Watches one feature of one slot against its reference, window by window.
///
/// ```swift
/// var drift = FeatureDrift(reference: reference, budget: DriftBudget(featureCount: 40))
/// drift.add(counts: counts, stale: 3)                   // what the loops have counted since
/// if drift.closeWindow(at: hour).isAlarm { page() }      // every few minutes
/// ```
///
/// What exceeds training's tolerance and is usual at its hour of the day is no alarm, if an ``HourlyReference`` is
/// kept. An alarm that is on stays on until training tolerates a window again or a person accepts it, so that
/// hours only ever take alarms away.
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
    /// Of those in a row, the last ones that their hour did not explain.
    package private(set) var windowsUnexplained = 0
    /// The watch on each ``FeatureRate``.
    package private(set) var rates: [RateChange]
    /// What each hour of the day usually brings; nil if it is not kept.
    package private(set) var hourly: HourlyReference?
    /// The index of the last full window against its hour, and its threshold, if it was asked for and the hour
    /// knew enough.
    package private(set) var hourShift: (psi: Double, threshold: Double)? {
        get { hourPSI.map { ($0, hourThreshold) } }
        set { (hourPSI, hourThreshold) = (newValue?.psi, newValue?.threshold ?? .infinity) }
    }

    private let psiError: Double
    private var hourPSI: Double?
    private var hourThreshold = Double.infinity
    /// The signals that are on and that nothing explains.
    private var isShiftAlarm = false
    private var alarmRates: Set<FeatureRate> = []

    /// Nothing observed yet.
    ///
    /// - Parameter hourly: what the hours of the day have brought so far, in the reference's bins; nil keeps none.
    package init(
        reference: DriftReference, budget: DriftBudget, hourly: HourlyReference? = nil
    ) {
        self.reference = reference
        self.hourly = hourly
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

    /// Goes on with alarms that were on before, though the windows that raised them are forgotten. They end as any
    /// other does.
    ///
    /// - Parameters:
    ///   - isShift: whether the distribution was another than in training.
    ///   - rates: the rates that were higher.
    package mutating func resumeAlarms(isShift: Bool, rates risen: Set<FeatureRate>) {
        if isShift {
            isShiftAlarm = true
            windowsShifted = Self.windowsInARow
            windowsUnexplained = Self.windowsInARow
        }
        for rate in risen { rates[rate.rawValue].resumeAlarm() }
        alarmRates = risen
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
    ///
    /// - Parameter place: the hour that the window belongs to; nil if to none, and then training alone decides.
    @discardableResult
    package mutating func closeWindow(at place: DayHour? = nil) -> FeatureDriftStatus {
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
        judge(total, at: place)
        for bin in counts.indices { counts[bin] = 0 }
        staleCount = 0
        return status
    }

    /// How the feature stood at the end of the last full window.
    package var status: FeatureDriftStatus {
        FeatureDriftStatus(
            isShifted: windowsShifted >= Self.windowsInARow,
            risenRates: FeatureRate.allCases.filter { rates[$0.rawValue].alarmWindow != nil },
            isShiftAlarm: isShiftAlarm,
            alarmRates: FeatureRate.allCases.filter(alarmRates.contains))
    }

    /// Draws the alarms from what training and the hour say of the window.
    private mutating func judge(_ total: UInt64, at place: DayHour?) {
        let isOpen = place.map { hourly?.isOpen(at: $0) ?? false } ?? false
        var standing = HourlyReference.Standing.within
        hourShift = nil
        if windowsShifted == 0 {
            windowsUnexplained = 0
        } else {
            hourShift = place.flatMap { hourly?.shift(counts, at: $0.hour, error: psiError) }
            let isUsual = hourShift.map { $0.psi <= $0.threshold } ?? false
            standing = isUsual ? .explained : .unexplained
            windowsUnexplained = isUsual || isOpen ? 0 : windowsUnexplained + 1
        }
        let isShifted = windowsShifted >= Self.windowsInARow && !isOpen
        isShiftAlarm =
            isShifted && (isShiftAlarm || windowsUnexplained >= Self.windowsInARow)
        for rate in FeatureRate.allCases {
            let share = Double(count(of: rate, total)) / Double(total)
            let isOn = rates[rate.rawValue].alarmWindow != nil && !isOpen
            if share > rates[rate.rawValue].rateMax {
                let max = place.flatMap { hourly?.rateMax(of: rate, at: $0.hour) }
                let isUsual = max.map { share <= $0 } ?? false
                if !isUsual {
                    standing = .unexplained
                } else if standing == .within {
                    standing = .explained
                }
                if isOn && !isUsual { alarmRates.insert(rate) }
            }
            if !isOn { alarmRates.remove(rate) }
        }
        guard let place else { return }
        hourly?.take(
            counts, stale: staleCount, at: place, standing,
            isAlarm: isShiftAlarm || !alarmRates.isEmpty)
    }

    private func count(of rate: FeatureRate, _ total: UInt64) -> UInt64 {
        switch rate {
        case .null: counts[reference.bins.missingIndex]
        case .unseen: counts[reference.bins.unseenIndex]
        case .stale: min(staleCount, total)
        }
    }

    /// A person says that the feature's last alarm is about something normal; whether there was one.
    ///
    /// See ``HourlyReference/accept(at:isAlarm:)``.
    package mutating func accept(at now: DayHour) -> Bool {
        let isAlarm = status.isAlarm
        guard hourly?.accept(at: now, isAlarm: isAlarm) == true else { return false }
        isShiftAlarm = false
        alarmRates = []
        windowsUnexplained = 0
        return true
    }
}

/// How a feature stands against its reference.
package struct FeatureDriftStatus: Equatable, Sendable {
    /// Its distribution has been another than in training for ``FeatureDrift/windowsInARow`` windows.
    package let isShifted: Bool
    /// The rates that are higher than in training.
    package let risenRates: [FeatureRate]
    /// Of that, what no hour explains.
    package let isShiftAlarm: Bool
    package let alarmRates: [FeatureRate]

    /// Whether somebody should know.
    package var isAlarm: Bool { isShiftAlarm || !alarmRates.isEmpty }
}
