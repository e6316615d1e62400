// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// How one model's features and scores stand against their histograms: the guard's view.
struct ModelDrift {
    /// One feature, or the score.
    struct Feature {
        let watch: DriftPlan.Watch
        var drift: FeatureDrift
        /// The shares of the last full window's values, by ``FeatureRate``.
        var rates = [Double](repeating: 0, count: FeatureRate.allCases.count)
        /// The signals that are on.
        var alarms: [KassaV1.DriftSignal] = []
        /// When the first of the windows running began that exceeded the PSI's threshold.
        var shiftedSince: MonotonicTime?
    }

    /// An alarm that went on or off.
    struct Edge {
        let feature: String
        let signal: KassaV1.DriftSignal
        let isRaised: Bool
        let values: UInt64
        let measured: Double
        let tolerated: Double
    }

    let counters: DriftCounters
    private(set) var features: [Feature]
    /// Full windows, and the values in the last one.
    private(set) var windows: UInt64 = 0
    private(set) var values: UInt64 = 0
    /// Values since then.
    private(set) var openValues: UInt64 = 0
    /// When what shifted it began, while an alarm is on.
    private(set) var alarmSince: MonotonicTime?
    /// When the last full window ended, or the watch began.
    private(set) var lastFull: MonotonicTime
    /// When the open window began: with its first values.
    private var opened: MonotonicTime
    /// What was taken from the counters so far.
    private(set) var taken: [UInt64]

    /// - Parameter taken: what was judged by other settings already; nil for nothing.
    init(
        _ counters: DriftCounters, _ settings: DriftSettings, after taken: [UInt64]?,
        at now: MonotonicTime
    ) {
        self.counters = counters
        let budget = settings.budget(watchCount: counters.plan.watches.count)
        features = counters.plan.watches.map {
            Feature(watch: $0, drift: FeatureDrift(reference: $0.reference, budget: budget))
        }
        self.taken = taken ?? [UInt64](repeating: 0, count: counters.plan.cellCount)
        lastFull = now
        opened = now
    }

    /// Whether any alarm is on.
    var isAlarm: Bool { alarmSince != nil }

    /// Takes what the loops have counted, and ends the window if it has values enough.
    mutating func close(at now: MonotonicTime) -> [Edge] {
        let counts = counters.counts
        let news = zip(counts, taken).map { $0 &- $1 }
        taken = counts
        var edges: [Edge] = []
        var isFull = false
        for index in features.indices {
            let (counts, stale) = counters.plan.fold(news, of: features[index].watch)
            features[index].drift.add(counts: counts, stale: stale)
            let total = features[index].drift.counts.reduce(0, &+)
            if index == 0 { openValues = total }
            guard total >= PSI.windowValuesMin else { continue }
            isFull = true
            edges += closeWindow(of: index, total)
        }
        if isFull {
            windows += 1
            values = openValues
            openValues = 0
            lastFull = now
        }
        let began = features.compactMap { feature in
            feature.alarms.isEmpty ? nil : feature.shiftedSince ?? opened
        }
        alarmSince = began.isEmpty ? nil : alarmSince ?? began.min()
        if isFull || openValues == 0 { opened = now }
        return edges
    }

    private mutating func closeWindow(of index: Int, _ total: UInt64) -> [Edge] {
        var feature = features[index]
        let bins = feature.watch.reference.bins
        let counted = [
            feature.drift.counts[bins.missingIndex], feature.drift.counts[bins.unseenIndex],
            min(feature.drift.staleCount, total),
        ]
        feature.rates = counted.map { Double($0) / Double(total) }
        let status = feature.drift.closeWindow()
        feature.shiftedSince =
            feature.drift.windowsShifted == 0 ? nil : feature.shiftedSince ?? opened
        var alarms: [KassaV1.DriftSignal] = status.isShifted ? [.driftShift] : []
        alarms += status.risenRates.map(\.signal)
        let changed = Set(alarms).symmetricDifference(feature.alarms)
        let edges = changed.sorted { $0.rawValue < $1.rawValue }.map { signal in
            Edge(
                feature: feature.watch.name, signal: signal, isRaised: alarms.contains(signal),
                values: total, measured: feature.measured(signal),
                tolerated: feature.tolerated(signal))
        }
        feature.alarms = alarms
        features[index] = feature
        return edges
    }
}

extension ModelDrift.Feature {
    /// The number that a signal comes from, in the last full window.
    func measured(_ signal: KassaV1.DriftSignal) -> Double {
        signal.rate.map { rates[$0.rawValue] } ?? drift.psi
    }

    /// What that number may be.
    func tolerated(_ signal: KassaV1.DriftSignal) -> Double {
        signal.rate.map { drift.rates[$0.rawValue].rateMax } ?? drift.psiThreshold
    }

    /// The feature as the API shows it.
    var shown: KassaV1.FeatureDrift {
        KassaV1.FeatureDrift(
            feature: watch.name, psi: drift.psi,
            psiThreshold: drift.psiThreshold.isFinite ? drift.psiThreshold : nil,
            windowsShifted: UInt32(clamping: drift.windowsShifted),
            nullRate: measured(.driftNull), nullRateMax: tolerated(.driftNull),
            unseenRate: measured(.driftUnseen), unseenRateMax: tolerated(.driftUnseen),
            staleRate: measured(.driftStale), staleRateMax: tolerated(.driftStale),
            alarms: alarms, referenceValues: watch.reference.total)
    }
}

extension FeatureRate {
    var signal: KassaV1.DriftSignal {
        switch self {
        case .null: .driftNull
        case .unseen: .driftUnseen
        case .stale: .driftStale
        }
    }
}

extension KassaV1.DriftSignal {
    /// The rate that the signal is about; nil for a shift.
    var rate: FeatureRate? {
        FeatureRate.allCases.first { $0.signal == self }
    }

    /// "the rate of missing values".
    var words: String {
        switch rate {
        case .null: "the rate of missing values"
        case .unseen: "the rate of unseen values"
        case .stale: "the rate of stale values"
        case nil: "the PSI"
        }
    }
}
