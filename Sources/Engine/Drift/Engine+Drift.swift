// SPDX-License-Identifier: Apache-2.0

package import API
internal import Base
internal import Features
internal import Rollout
internal import Synchronization

/// What is done about drift, and what is told of it.
extension Engine {
    /// Closes the windows whose time has come, and tells those who watch. On one thread at a time; waits
    /// for no disk.
    ///
    /// A promotion that is to be undone loses its traffic here; the rest follows by
    /// ``carryOutDriftOrders()``.
    func driftTurn(at now: MonotonicTime, wall: Timestamp) {
        let orders = driftGuard.turn(published.current, at: now, wall: wall.microseconds)
        for order in orders {
            if order.response == .undo {
                _ = anticipate(KassaV1.UndoRequest(scorer: order.scorer))
            }
            tell(order)
        }
        if driftGuard.isHourOver(at: wall.microseconds) { storeHours() }
    }

    /// Tells those who watch, and the log.
    func tell(_ order: DriftOrder) {
        for alarm in order.alarms { events.append(alarm) }
        for notice in order.notices { tell(notice) }
    }

    /// Does what the guard has ordered: pauses or undoes, and records alarms. On the control thread.
    ///
    /// What the store does not take now, whatever the reason, stays for the next call; what is refused does not.
    func carryOutDriftOrders() {
        while var order = driftGuard.takeOrder() {
            do throws(EngineError) {
                try carryOut(&order, at: .now())
            } catch {
                guard error.isFromStore else { continue }
                driftGuard.putBack(order)
                return
            }
        }
    }

    /// Leaves of the order what is left to do if it throws.
    private func carryOut(_ order: inout DriftOrder, at now: Timestamp) throws(EngineError) {
        switch order.response {
        case .none: break
        case .undo:
            let request = KassaV1.UndoRequest(
                scorer: order.scorer, actor: Self.guardName, reason: order.reason)
            do throws(EngineError) {
                _ = try undo(request, at: now)
                tell(DriftNotice(.undone, scorer: order.scorer, reason: order.reason))
            } catch {
                // Another rollout is open, or the promotion is gone: then what remains is to hold.
                published.current.rollouts.scorers[order.scorer]?.promotionBrake
                    .release(.undo)
                try freeze(order, at: now)
            }
        case .freeze, .pageAndFreeze: try freeze(order, at: now)
        }
        order.response = .none
        guard !order.alarms.isEmpty else { return }
        let base = published.current
        try commit(
            KassaStorageV1.AuditRecord(
                atUs: now.microseconds, actor: Self.guardName, action: "drift alarm",
                reason: order.reason, epoch: base.epoch, details: order.alarms.map(\.line)),
            epoch: base.epoch, puts: [])
    }

    /// Pauses an open rollout that gives its candidate traffic.
    private func freeze(_ order: DriftOrder, at now: Timestamp) throws(EngineError) {
        guard published.current.rollouts.scorers[order.scorer]?.slots.rollout?.phase == .canary
        else { return }
        _ = try pause(
            KassaV1.PauseRequest(
                scorer: order.scorer, actor: Self.guardName, reason: order.reason),
            at: now)
        tell(DriftNotice(.paused, scorer: order.scorer, reason: order.reason))
    }

    /// Has `body` called with what somebody should hear of drift, on a thread of the engine; it must not wait.
    package func onDriftNotice(_ body: @escaping @Sendable (DriftNotice) -> Void) {
        driftNotice.withLock { $0 = body }
    }

    private func tell(_ notice: DriftNotice) {
        driftNotice.withLock { $0 }?(notice)
    }

    private static let guardName = "guard"

    /// How a scorer's features and scores stand against the histograms of its models.
    package func driftReport(
        _ request: KassaV1.DriftRequest
    ) throws(EngineError) -> KassaV1.DriftReport {
        let base = published.current
        guard let spec = base.scorerSpec(request.scorer) else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        let settings = DriftSettings(spec.drift)
        let drift = driftGuard.drift(of: spec.name)
        let slots = base.scorers.filter { $0.spec.name == spec.name }
        return KassaV1.DriftReport(
            scorer: spec.name,
            slots: slots.map { Self.shown($0, drift) },
            action: KassaV1.DriftAction(drift?.response ?? .none),
            sinceUs: drift?.sinceMicroseconds ?? 0, windowMs: settings.windowMilliseconds,
            falsePagesPerMonth: settings.falsePagesPerMonth)
    }

    private static func shown(
        _ scorer: Scorer, _ scorerDrift: ScorerDrift?
    ) -> KassaV1.SlotDrift {
        var shown = KassaV1.SlotDrift(
            slot: scorer.slot, model: scorer.model.name,
            unwatched: UInt32(clamping: scorer.plan.count))
        guard let scorerDrift, let drift = scorerDrift.models[scorer.model.bundleDigest] else {
            return shown
        }
        shown.windows = drift.windows
        shown.values = drift.values
        shown.openValues = drift.openValues
        let scores = scorer.slot != .previous
        let window = scorerDrift.settings.windowMilliseconds * 1_000_000
        shown.tooLittleTraffic =
            scores
            && scorerDrift.lastTurn.nanoseconds(since: drift.lastFull)
                > DriftLimits.windowsWithoutTraffic * window
        shown.features = drift.features.map(\.shown).sorted { left, right in
            (left.alarms.isEmpty ? 1 : 0, right.psi) < (right.alarms.isEmpty ? 1 : 0, left.psi)
        }
        shown.unwatched = UInt32(clamping: drift.counters.plan.unwatchedCount)
        return shown
    }
}

extension KassaV1.DriftAction {
    init(_ response: DriftResponse) {
        self =
            switch response {
            case .none: .driftNothing
            case .freeze: .driftFreeze
            case .pageAndFreeze: .driftPageAndFreeze
            case .undo: .driftUndo
            }
    }
}
