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
        /// Those that would be, if they were not usual at this hour of the day.
        var usual: [KassaV1.DriftSignal] = []
        /// When the first of the windows running began that exceeded the PSI's threshold unexplained.
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
    /// The same by the wall clock, in microseconds since 1970, as it was when the alarm went on.
    private(set) var alarmSinceMicroseconds: Int64 = 0
    /// When the last full window ended, or the watch began.
    private(set) var lastFull: MonotonicTime
    /// When the open window began: with its first values.
    private var opened: MonotonicTime
    /// The same by the wall clock, in microseconds since 1970.
    private var openedMicroseconds: Int64
    /// What was taken from the counters so far.
    private(set) var taken: [UInt64]

    /// - Parameters:
    ///   - taken: what was judged by other settings already; nil for nothing.
    ///   - hours: what was learnt of the hours of the day so far.
    ///   - elder: the model beside which this one comes in; what its hours have learnt goes over where nothing
    ///     was learnt.
    ///   - wall: the time of day in microseconds.
    init(
        _ counters: DriftCounters, _ settings: DriftSettings, after taken: [UInt64]?,
        hours: ModelHours, elder: ModelDrift? = nil, at now: MonotonicTime, wall: Int64
    ) {
        self.counters = counters
        let budget = settings.budget(watchCount: counters.plan.watches.count)
        features = counters.plan.watches.enumerated().map { index, watch in
            var hourly: HourlyReference?
            if index < DriftLimits.hourlyWatchesMax && settings.tellsHoursApart {
                let bins = watch.reference.bins
                hourly =
                    hours[watch.name].flatMap { HourlyReference(bins: bins, $0) }
                    ?? elder?.hourly(for: watch) ?? HourlyReference(bins: bins)
            }
            return Feature(
                watch: watch,
                drift: FeatureDrift(reference: watch.reference, budget: budget, hourly: hourly))
        }
        self.taken = taken ?? [UInt64](repeating: 0, count: counters.plan.cellCount)
        lastFull = now
        opened = now
        openedMicroseconds = wall
    }

    /// Goes on with the alarms that were on when a process before this one ended.
    ///
    /// - Parameter wall: the time of day in microseconds: how long they have been on only it knows.
    mutating func resume(
        _ stored: KassaStorageV1.StoredModelDrift, at now: MonotonicTime, wall: Int64
    ) {
        let passed = max(wall.subtractingReportingOverflow(stored.sinceUs).partialValue, 0)
        let (elapsed, isTooLong) = UInt64(passed).multipliedReportingOverflow(by: 1_000)
        let since = MonotonicTime(
            nanoseconds: now.nanoseconds - min(isTooLong ? .max : elapsed, now.nanoseconds))
        for feature in stored.features {
            guard let index = features.firstIndex(where: { $0.watch.name == feature.feature })
            else { continue }
            let rates = feature.signals.compactMap(\.rate)
            let isShift = feature.signals.contains(.driftShift)
            features[index].drift.resumeAlarms(isShift: isShift, rates: Set(rates))
            features[index].alarms =
                (isShift ? [.driftShift] : [])
                + FeatureRate.allCases.filter(rates.contains).map(\.signal)
            features[index].shiftedSince = since
        }
        guard features.contains(where: { !$0.alarms.isEmpty }) else { return }
        alarmSince = since
        alarmSinceMicroseconds = stored.sinceUs
    }

    /// The alarms that are on, to be stored; nil if none is.
    func stored(_ digest: [UInt8]) -> KassaStorageV1.StoredModelDrift? {
        guard isAlarm else { return nil }
        return KassaStorageV1.StoredModelDrift(
            bundleSha256: digest, sinceUs: alarmSinceMicroseconds,
            features: features.lazy.filter { !$0.alarms.isEmpty }.map {
                KassaStorageV1.StoredFeatureDrift(feature: $0.watch.name, signals: $0.alarms)
            })
    }

    /// What the hours have learnt of a feature of that name, in the bins of another model.
    private func hourly(for watch: DriftPlan.Watch) -> HourlyReference? {
        guard let own = features.first(where: { $0.watch.name == watch.name }) else { return nil }
        return own.drift.hourly?.rebinned(
            into: watch.reference.bins,
            categories: own.watch.texts.map { watch.texts.firstIndex(of: $0) })
    }

    /// What was learnt of the hours of the day.
    var hours: ModelHours {
        var hours: ModelHours = [:]
        for feature in features { hours[feature.watch.name] = feature.drift.hourly?.stored }
        return hours
    }

    /// Whether any alarm is on.
    var isAlarm: Bool { alarmSince != nil }

    /// Takes what the loops have counted, and ends the window if it has values enough.
    ///
    /// - Parameter wall: the time of day in microseconds.
    mutating func close(at now: MonotonicTime, wall: Int64) -> [Edge] {
        let place = DayHour(
            from: openedMicroseconds, to: wall, lasting: now.nanoseconds(since: opened))
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
            edges += closeWindow(of: index, total, at: place)
        }
        if isFull {
            windows += 1
            values = openValues
            openValues = 0
            lastFull = now
        }
        noteAlarms(at: now, wall: wall)
        if isFull || openValues == 0 {
            opened = now
            openedMicroseconds = wall
        }
        return edges
    }

    private mutating func noteAlarms(at now: MonotonicTime, wall: Int64) {
        let began = features.compactMap { feature in
            feature.alarms.isEmpty ? nil : feature.shiftedSince ?? opened
        }
        if alarmSince == nil, let first = began.min() {
            alarmSince = first
            alarmSinceMicroseconds = wall - Int64(clamping: now.nanoseconds(since: first) / 1_000)
        }
        if began.isEmpty { alarmSince = nil }
    }

    /// Takes a person's word that the alarms of today and yesterday are about something normal.
    ///
    /// - Returns: the features that had some, and the alarms that end by it.
    mutating func accept(at now: DayHour) -> (features: [String], edges: [Edge]) {
        var accepted: [String] = []
        var edges: [Edge] = []
        for index in features.indices where features[index].drift.accept(at: now) {
            accepted.append(features[index].watch.name)
            edges += note(features[index].drift.status, of: index, values)
        }
        if !features.contains(where: { !$0.alarms.isEmpty }) { alarmSince = nil }
        return (accepted, edges)
    }

    private mutating func closeWindow(
        of index: Int, _ total: UInt64, at place: DayHour?
    ) -> [Edge] {
        var feature = features[index]
        let bins = feature.watch.reference.bins
        let counted = [
            feature.drift.counts[bins.missingIndex], feature.drift.counts[bins.unseenIndex],
            min(feature.drift.staleCount, total),
        ]
        feature.rates = counted.map { Double($0) / Double(total) }
        let status = feature.drift.closeWindow(at: place)
        let isNormal = feature.drift.windowsUnexplained == 0 && !status.isShiftAlarm
        feature.shiftedSince = isNormal ? nil : feature.shiftedSince ?? opened
        features[index] = feature
        return note(status, of: index, total)
    }

    /// Notes which alarms are on.
    private mutating func note(
        _ status: FeatureDriftStatus, of index: Int, _ total: UInt64
    ) -> [Edge] {
        var feature = features[index]
        let alarms =
            (status.isShiftAlarm ? [.driftShift] : []) + status.alarmRates.map(\.signal)
        let exceeded = (status.isShifted ? [.driftShift] : []) + status.risenRates.map(\.signal)
        feature.usual = exceeded.filter { !alarms.contains($0) }
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
            alarms: alarms, referenceValues: watch.reference.total, usual: usual,
            hourPsi: drift.hourShift?.psi, hourPsiThreshold: drift.hourShift?.threshold,
            accepted: drift.hourly?.isOpen ?? false)
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
