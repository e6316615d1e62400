// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout

/// What the guard knows of one scorer: how its models stand, and what is done about it.
///
/// It is kept in memory. Stored are what it led to, a pause or an undone promotion, with the slots, and which alarms
/// are on (``DriftCare``): a restart goes on with those, and they end as any others do.
struct ScorerDrift {
    let settings: DriftSettings
    /// By the digests of bundles in slots.
    private(set) var models: [[UInt8]: ModelDrift] = [:]
    private(set) var response = DriftResponse.none
    /// When ``response`` became what it is; wall time, for people.
    private(set) var sinceMicroseconds: Int64 = 0
    /// When windows were looked at last.
    private(set) var lastTurn: MonotonicTime
    private var windowEnds: MonotonicTime
    private var promotion: Promotion?
    /// What was judged by other settings, by bundle; only the first turn may use it, because the counters of a
    /// model that leaves go with it, and those that it gets when it comes back begin at zero.
    private var judged: [[UInt8]: [UInt64]]
    /// What was learnt of the hours of the day before, by bundle; also for the first turn.
    private var learnt: [[UInt8]: ModelHours]
    /// The alarms that were on when a process before this one ended; the same.
    private var left: KassaStorageV1.StoredDrift?

    /// The last promotion, as long as it can be undone.
    private struct Promotion {
        /// As it is stored with the slots.
        let since: Int64
        let at: MonotonicTime
        /// What was STABLE before it had an alarm already.
        let wasShifted: Bool
    }

    /// - Parameters:
    ///   - former: the watch by other settings, if there was one.
    ///   - learnt: what a process before this one has learnt of the hours of the day, by bundle.
    ///   - left: the alarms that were on when it ended.
    init(
        _ settings: DriftSettings, after former: ScorerDrift? = nil,
        learnt: [[UInt8]: ModelHours] = [:], left: KassaStorageV1.StoredDrift? = nil,
        at now: MonotonicTime
    ) {
        self.settings = settings
        self.left = left
        self.learnt = former?.hours ?? learnt
        judged = former?.models.mapValues(\.taken) ?? [:]
        lastTurn = now
        windowEnds = now.advanced(byNanoseconds: settings.windowMilliseconds * 1_000_000)
    }

    /// Ends the windows whose time has come.
    ///
    /// - Parameters:
    ///   - slots: the models in slots, STABLE first.
    ///   - wall: the time of day in microseconds; it counts only for a promotion of an earlier process.
    /// - Returns: what there is to do and to tell; nil if nothing changed.
    mutating func turn(
        _ slots: [(scorer: Scorer, counters: DriftCounters)], _ entry: ScorerRollout?,
        at now: MonotonicTime, wall: Int64
    ) -> DriftOrder? {
        lastTurn = now
        let stable = slots.first.flatMap { $0.scorer.slot == .stable ? $0.scorer : nil }
        for (scorer, counters) in slots where models[scorer.model.bundleDigest] == nil {
            let elder = stable.flatMap { models[$0.model.bundleDigest] }
            let digest = scorer.model.bundleDigest
            models[digest] = ModelDrift(
                counters, settings, after: judged[digest], hours: learnt[digest] ?? [:],
                elder: learnt[digest] == nil ? elder : nil, at: now, wall: wall)
            if let stored = left?.models.first(where: { $0.bundleSha256 == digest }) {
                models[digest]?.resume(stored, at: now, wall: wall)
            }
        }
        judged = [:]
        learnt = [:]
        // With the alarms that a former STABLE had in an earlier process already.
        notePromotion(entry, at: now, wall: wall)
        let digests = slots.map(\.scorer.model.bundleDigest)
        models = models.filter { digests.contains($0.key) }
        if let stored = left {
            left = nil
            return resume(stored, slots.map(\.scorer), wall)
        }
        guard now >= windowEnds else { return nil }
        windowEnds = now.advanced(byNanoseconds: settings.windowMilliseconds * 1_000_000)
        var alarms: [KassaV1.DriftAlarm] = []
        for (scorer, _) in slots {
            let edges = models[scorer.model.bundleDigest]?.close(at: now, wall: wall) ?? []
            alarms += edges.map { $0.alarm(of: scorer, atMicroseconds: wall) }
        }
        return respond(to: alarms, of: slots.map(\.scorer), wall)
    }

    /// Decides anew what is done.
    private mutating func respond(
        to alarms: [KassaV1.DriftAlarm], of slots: [Scorer], _ wall: Int64
    ) -> DriftOrder? {
        let next = decide(slots)
        let isNew = next != response
        let isWorse = next.severity > response.severity
        let wasShared = response.isShared
        if isNew {
            response = next
            sinceMicroseconds = next == .none ? 0 : wall
        }
        guard isNew || !alarms.isEmpty, let name = slots.first?.spec.name else { return nil }
        return DriftOrder(
            scorer: name, alarms: alarms, response: isWorse ? next : .none,
            reason: isWorse ? reason(slots) : "", wasShared: wasShared,
            isShared: next.isShared)
    }

    /// Decides what is done about alarms of an earlier process. That they are on is told again, because nobody knows
    /// whether it was; what was done is not done again.
    private mutating func resume(
        _ stored: KassaStorageV1.StoredDrift, _ slots: [Scorer], _ wall: Int64
    ) -> DriftOrder? {
        guard var order = respond(to: [], of: slots, wall) else { return nil }
        sinceMicroseconds = stored.sinceUs
        if DriftResponse(storedAction: stored.action).severity >= response.severity {
            order.response = .none
        }
        return order
    }

    /// The alarms that are on, to be stored; nil if none is.
    ///
    /// - Parameter isDone: whether what is done about them is done.
    func stored(as scorer: String, isDone: Bool) -> KassaStorageV1.StoredDrift? {
        let models = models.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .compactMap { $0.value.stored($0.key) }
        guard !models.isEmpty else { return nil }
        return KassaStorageV1.StoredDrift(
            scorer: scorer, models: models, sinceUs: sinceMicroseconds,
            action: isDone ? response.storedAction : 0)
    }

    /// Takes a person's word that the alarms of today and yesterday are about something normal.
    ///
    /// - Parameters:
    ///   - slots: the models in slots, STABLE first.
    ///   - wall: the time of day in microseconds.
    /// - Returns: what was accepted, "abandonment@2 cart.items", and what there is to tell.
    mutating func accept(
        _ slots: [Scorer], wall: Int64
    ) -> (features: [String], order: DriftOrder?) {
        var features: [String] = []
        var alarms: [KassaV1.DriftAlarm] = []
        for scorer in slots {
            let accepted = models[scorer.model.bundleDigest]?
                .accept(at: DayHour(microseconds: wall))
            features += accepted?.features.map { "\(scorer.model.name) \($0)" } ?? []
            alarms += accepted?.edges.map { $0.alarm(of: scorer, atMicroseconds: wall) } ?? []
        }
        return (features, respond(to: alarms, of: slots, wall))
    }

    /// What was learnt of the hours of the day, by bundle.
    var hours: [[UInt8]: ModelHours] { models.mapValues(\.hours) }

    private mutating func notePromotion(
        _ entry: ScorerRollout?, at now: MonotonicTime, wall: Int64
    ) {
        guard let entry, let previous = entry.slots.previous else {
            promotion = nil
            return
        }
        let since = entry.previousSinceMicroseconds
        guard promotion?.since != since else { return }
        let passed = min(
            max(wall.subtractingReportingOverflow(since).partialValue, 0),
            Int64(RolloutLimits.previousSeconds) * 1_000_000)
        let at = MonotonicTime(
            nanoseconds: now.nanoseconds - min(UInt64(passed) * 1_000, now.nanoseconds))
        promotion = Promotion(
            since: since, at: at, wasShifted: models[previous.digest]?.isAlarm ?? false)
    }

    private func decide(_ slots: [Scorer]) -> DriftResponse {
        func drift(in slot: KassaV1.Slot) -> ModelDrift? {
            slots.first { $0.slot == slot }.flatMap { models[$0.model.bundleDigest] }
        }
        let stable = drift(in: .stable)
        var age: UInt64?
        if let promotion, !promotion.wasShifted, let since = stable?.alarmSince,
            since >= promotion.at
        {
            age = since.nanoseconds(since: promotion.at) / 1_000_000
        }
        return settings.policy.response(
            stable: stable?.isAlarm ?? false, canary: drift(in: .canary).map(\.isAlarm),
            alarmAfterPromotionMilliseconds: age)
    }

    /// Why something is done: whose drift it is, and the alarm that stands out most.
    private func reason(_ slots: [Scorer]) -> String {
        let slot: KassaV1.Slot = response == .freeze ? .canary : .stable
        guard let scorer = slots.first(where: { $0.slot == slot }),
            let model = models[scorer.model.bundleDigest]
        else { return "drift" }
        let shifted = model.features.filter { !$0.alarms.isEmpty }
        guard let worst = shifted.max(by: { $0.drift.psi < $1.drift.psi }),
            let signal = worst.alarms.first
        else { return "drift" }
        guard worst.drift.psiThreshold.isFinite else {
            return
                "an alarm of the process before this one goes on: \(worst.watch.name), \(signal.words)"
        }
        let others = shifted.count > 1 ? ", and \(shifted.count - 1) more" : ""
        let whose =
            response == .freeze ? "the canary alone has drifted" : "STABLE's traffic has drifted"
        return "\(whose): \(worst.watch.name): \(signal.words) is "
            + "\(rounded(worst.measured(signal))), tolerated are "
            + "\(rounded(worst.tolerated(signal)))\(others)"
    }
}

/// What the guard found at the end of a window: alarms to record and tell, and what to do.
struct DriftOrder: Sendable {
    let scorer: String
    let alarms: [KassaV1.DriftAlarm]
    /// none if nothing is to be done that was not done before.
    var response: DriftResponse
    let reason: String
    /// Whether STABLE's traffic had drifted before this window, and has now.
    let wasShared: Bool
    let isShared: Bool
}

extension DriftResponse {
    /// Whether STABLE sees it too, so that somebody must look.
    var isShared: Bool { self == .pageAndFreeze || self == .undo }

    /// A kassa.v1.DriftAction.
    var storedAction: UInt32 { UInt32(bitPattern: KassaV1.DriftAction(self).rawValue) }

    /// What was stored as done.
    init(storedAction: UInt32) {
        let all: [DriftResponse] = [.freeze, .pageAndFreeze, .undo]
        self = all.first { $0.storedAction == storedAction } ?? .none
    }

    /// What is done once is not done again by something milder.
    var severity: Int {
        switch self {
        case .none: 0
        case .freeze: 1
        case .pageAndFreeze: 2
        case .undo: 3
        }
    }
}

extension ModelDrift.Edge {
    func alarm(of scorer: Scorer, atMicroseconds wall: Int64) -> KassaV1.DriftAlarm {
        KassaV1.DriftAlarm(
            scorer: scorer.spec.name, slot: scorer.slot, model: scorer.model.name,
            feature: feature, signal: signal, raised: isRaised, atUs: wall, values: values,
            measured: measured, tolerated: tolerated)
    }
}

extension KassaV1.DriftAlarm {
    /// The alarm in one line of the audit log.
    var line: String {
        "scorer \(scorer), \(model) in \(slot.name), \(feature): \(signal.words) is "
            + "\(rounded(measured)) of \(values) values, tolerated are \(rounded(tolerated)): "
            + (raised ? "raised" : "cleared")
    }
}

/// Four decimals.
private func rounded(_ number: Double) -> String {
    number.isFinite ? "\((number * 10_000).rounded() / 10_000)" : "\(number)"
}
