// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Glibc
import Rollout
import Store
import Synchronization
import Testing

@testable import Engine

/// A clock that the test sets, and an engine whose models know how their inputs were distributed: items
/// from 0 to 9 alike, and the scores that a stump makes of them.
final class DriftBench {
    let engine: Engine
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    var wall = Timestamp.now()
    let windowMilliseconds: UInt64 = 1_000

    init(_ engine: Engine) { self.engine = engine }

    /// Scores `count` sessions, with items by their number; nil is a null.
    func drive(_ count: Int, _ worker: inout Worker, _ items: (Int) -> Int64?) throws {
        for session in 0..<count {
            let value: KassaV1.Value =
                items(session).map { KassaV1.Value(kind: .integer($0)) }
                ?? KassaV1.Value(kind: .null(KassaV1.NullValue()))
            _ = try worker.score(
                "s-\(session)", context: [KassaV1.NamedValue(name: "items", value: value)])
        }
        worker.settle()
    }

    func pass(_ milliseconds: UInt64) {
        now = now.advanced(byNanoseconds: milliseconds * 1_000_000)
        wall = Timestamp(microseconds: wall.microseconds + Int64(milliseconds) * 1_000)
    }

    /// A window passes, and what the guard orders is done.
    func closeWindow() {
        pass(windowMilliseconds)
        engine.driftTurn(at: now, wall: wall)
        engine.carryOutDriftOrders()
    }

    /// Windows of so many scores each.
    func windows(
        _ count: Int, of scores: Int = 2_500, _ worker: inout Worker, _ items: (Int) -> Int64?
    ) throws {
        for _ in 0..<count {
            try drive(scores, &worker, items)
            closeWindow()
        }
    }

    var report: KassaV1.DriftReport {
        get throws { try engine.driftReport(KassaV1.DriftRequest(scorer: "abandonment")) }
    }

    /// The alarms that are on, "STABLE cart.items DRIFT_SHIFT".
    var alarms: [String] {
        get throws {
            try report.slots.flatMap { slot in
                slot.features.flatMap { feature in
                    feature.alarms.map { "\(slot.slot.name) \(feature.feature) \($0.name)" }
                }
            }.sorted()
        }
    }

    var drifts: [KassaV1.AuditEntry] {
        get throws {
            try engine.audit(KassaV1.AuditRequest(limit: 100)).entries
                .filter { $0.action == "drift alarm" }
        }
    }
}

private func even(_ session: Int) -> Int64? { Int64(session * 7 % 10) }
private func zeros(_ session: Int) -> Int64? { 0 }

let itemsHistogram = KassaV1.ReferenceHistogram(
    n: 5_000, edges: [0, 2, 4, 6, 8, 10], counts: [1_000, 1_000, 1_000, 1_000, 1_000])

/// The scores of a stump over such items: so many thousands of five above one half.
func scoreHistogram(high: UInt64) -> KassaV1.ReferenceHistogram {
    KassaV1.ReferenceHistogram(
        n: 5_000, edges: [0, 0.5, 1], counts: [5_000 - high * 500, high * 500])
}

func withDriftBench(
    sharing policy: KassaV1.SharedDrift = .page, bakeMilliseconds: UInt64 = 0,
    canaryScores: UInt64 = 5, in folder: TemporaryFolder = TemporaryFolder(),
    _ body: (DriftBench, inout Worker) throws -> Void
) throws {
    try folder.withEngine { engine, worker in
        if engine.epoch == 0 {
            try engine.apply([cart])
            try engine.uploadStump {
                $0.histograms = [itemsHistogram]
                $0.scoreHistogram = scoreHistogram(high: 3)
            }
            try engine.uploadStump(threshold: 5) {
                $0.histograms = [itemsHistogram]
                $0.scoreHistogram = scoreHistogram(high: canaryScores)
            }
            try engine.apply([
                .scorer(
                    KassaV1.ScorerSpec(
                        name: "abandonment", model: "stump@1",
                        drift: KassaV1.DriftSpec(
                            windowMs: 1_000, onSharedDrift: policy, bakeMs: bakeMilliseconds)))
            ])
        }
        worker.loopWatch.timeShareMax = 1
        let bench = DriftBench(engine)
        engine.driftTurn(at: bench.now, wall: bench.wall)
        try body(bench, &worker)
    }
}

struct `A drift watch` {
    @Test func `is silent on traffic like that of training`() throws {
        try withDriftBench { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(6, &worker, even)
            #expect(try bench.alarms.isEmpty)
            let report = try bench.report
            #expect(report.action == .driftNothing && report.windowMs == 1_000)
            #expect(report.slots.map(\.slot) == [.stable, .canary])
            #expect(report.slots.allSatisfy { $0.windows == 6 && !$0.tooLittleTraffic })
            // Both models score every request, and each counts it once.
            #expect(report.slots.map(\.values) == [2_500, 2_500])
            #expect(try bench.engine.status.rollout?.phase == .phaseCanary)
            #expect(try bench.drifts.isEmpty)
        }
    }

    @Test func `pages and freezes when both slots see zeros, and rolls nothing back`() throws {
        try withDriftBench { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(2, &worker, even)
            let seen = bench.engine.events.last
            try bench.windows(2, &worker, zeros)
            #expect(try bench.alarms.isEmpty, "two windows are not enough")
            try bench.windows(1, &worker, zeros)
            #expect(try bench.report.action == .driftPageAndFreeze)
            #expect(try bench.alarms.contains("STABLE cart.items DRIFT_SHIFT"))
            #expect(try bench.alarms.contains("CANARY cart.items DRIFT_SHIFT"))
            let status = try bench.engine.status
            #expect(status.rollout?.phase == .phasePaused && status.rollout?.weightPercent == 50)
            #expect(status.slots.first?.model == "stump@1")
            #expect(bench.engine.driftGuard.isFrozen("abandonment"))
            let record = try #require(try bench.drifts.first)
            #expect(record.actor == "guard" && record.reason.contains("STABLE's traffic"))
            #expect(record.details.contains { $0.contains("cart.items: the PSI is") })
            // Whoever watches hears of the alarms and of the pause.
            let told = Told()
            _ = bench.engine.events.wait(after: seen) { told.set($0) }
            let events = try #require(told.value).events.map(\.event)
            let raised = events.compactMap {
                if case .drift(let alarm) = $0 { alarm } else { nil }
            }
            #expect(raised.allSatisfy { $0.raised && $0.measured > $0.tolerated })
            #expect(raised.contains { $0.feature == "cart.items" && $0.slot == .stable })
            // Who has looked may go on, and is not frozen again for the same alarm.
            _ = try bench.engine.resume(
                KassaV1.ResumeRequest(scorer: "abandonment"), at: .now())
            try bench.windows(1, &worker, zeros)
            #expect(try bench.engine.status.rollout?.phase == .phaseCanary)
            // And when the traffic is as before, the alarms end, on record.
            try bench.windows(1, &worker, even)
            #expect(try bench.alarms.isEmpty)
            #expect(try bench.report.action == .driftNothing)
            #expect(try bench.drifts.first?.details.contains { $0.hasSuffix("cleared") } == true)
            #expect(!bench.engine.driftGuard.isFrozen("abandonment"))
        }
    }

    @Test func `holds the guard's own steps until its alarm is off, and nobody else's`() throws {
        try withDriftBench { bench, worker in
            let engine = bench.engine
            _ = try engine.canary(
                KassaV1.CanaryRequest(
                    scorer: "abandonment", model: "stump@2", weightPercent: 50,
                    guard: KassaV1.GuardPolicy(
                        sloMicroseconds: 60_000_000, dwellMs: 1, entitiesMin: 100,
                        decisionThreshold: 0.999_999)), at: .now())
            func orders() -> [GuardOrder] {
                // Later than the dwell, sooner than a process that stood still would look again, by one look at
                // the clock: a busy machine may stand still between two.
                let now = MonotonicTime.now()
                engine.guards.turn(at: now)
                return engine.guards.orders(
                    at: now.advanced(byNanoseconds: GuardLimits.unobservedNanosecondsMax / 2),
                    drifting: engine.driftGuard.frozenScorers)
            }
            try bench.windows(1, of: 6_000, &worker, even)
            let early = try #require(orders().first)
            #expect(early.verb == .promote(isFull: true))
            try bench.windows(3, &worker, zeros)
            #expect(try engine.status.rollout?.phase == .phasePaused)
            _ = try engine.resume(KassaV1.ResumeRequest(scorer: "abandonment"), at: .now())
            try bench.windows(1, &worker, zeros)
            #expect(engine.driftGuard.isFrozen("abandonment"))
            #expect(orders().isEmpty)
            #expect(try engine.status.`guard`?.holds.contains("drift") == true)
            // An order from before the alarm comes to nothing.
            engine.carryOut(early)
            #expect(try engine.status.rollout?.phase == .phaseCanary)

            try bench.windows(1, &worker, even)
            #expect(!engine.driftGuard.isFrozen("abandonment"))
            #expect(try engine.status.`guard`?.holds.contains("drift") == false)
            let order = try #require(orders().first)
            engine.carryOut(order)
            #expect(try engine.status.rollout?.phase == .phasePromoted)
        }
    }

    @Test func `sees what a shadow alone reads, tells it, and moves no slot`() throws {
        try withDriftBench { bench, worker in
            let engine = bench.engine
            try engine.uploadStump(threshold: 7) {
                $0.inputs = [
                    KassaV1.ModelInput(
                        featureSet: "cart@1", feature: "device", categories: ["tv", "phone"])
                ]
                $0.histograms = [
                    KassaV1.ReferenceHistogram(
                        n: 60, categories: ["tv", "phone"], categoryCounts: [40, 20])
                ]
            }
            let told = Notices()
            engine.onDriftNotice { told.add($0) }
            // Nobody writes the device.
            #expect(
                try worker.submit(
                    KassaV1.WriteRequest(
                        featureSet: "cart@1",
                        keys: [
                            KassaV1.KeyColumn(kind: "session", ids: (0..<2_000).map { "s-\($0)" })
                        ],
                        columns: [
                            KassaV1.Column(
                                name: "items",
                                values: .integers(
                                    KassaV1.IntegerValues(values: (0..<2_000).map { even($0)! })))
                        ])
                ).get().applied == 2_000)
            _ = try engine.shadow(
                KassaV1.ShadowRequest(
                    scorer: "abandonment", model: "stump@3",
                    guard: KassaV1.GuardPolicy(sloMicroseconds: 60_000_000)), at: .now())
            for session in 0..<2_000 { _ = try worker.score("s-\(session)") }
            worker.settle()
            bench.closeWindow()
            #expect(try bench.alarms == ["SHADOW cart.device DRIFT_NULL"])
            let report = try bench.report
            #expect(report.slots.map(\.slot) == [.stable, .shadow])
            #expect(report.slots.map(\.values) == [2_000, 2_000])
            // A text that is not there is missing, not unseen.
            #expect(report.slots[1].features.first?.nullRate == 1)
            #expect(report.action == .driftNothing)
            #expect(!engine.driftGuard.isFrozen("abandonment"))
            #expect(try engine.status.rollout?.phase == .phaseShadow)
            #expect(try bench.drifts.first?.details.first?.contains("in SHADOW") == true)
            #expect(told.all.map(\.kind) == [.features])
            #expect(told.all.allSatisfy { $0.isRaised && $0.model == "stump@3" })
        }
    }

    @Test func `tells when STABLE's traffic drifts, what was paused for it, and when it ends`()
        throws
    {
        try withDriftBench { bench, worker in
            let told = Notices()
            bench.engine.onDriftNotice { told.add($0) }
            try bench.engine.canary(50)
            try bench.windows(2, &worker, zeros)
            #expect(told.all.isEmpty)
            try bench.windows(1, &worker, zeros)
            #expect(told.all.map(\.kind) == [.shared, .features, .features, .paused])
            #expect(told.all.allSatisfy { $0.isRaised && $0.scorer == "abandonment" })
            #expect(told.all.map(\.model) == ["", "stump@1", "stump@2", ""])
            #expect(told.all[0].reason.contains("cart.items: the PSI is"))
            #expect(told.all[1].measured.map { $0.value > $0.tolerated } == true)
            try bench.windows(1, &worker, even)
            #expect(told.all.dropFirst(4).map(\.kind) == [.shared, .features, .features])
            #expect(told.all.dropFirst(4).allSatisfy { !$0.isRaised })
        }
    }

    @Test func `holds a canary that alone has drifted`() throws {
        // Its scores are said to be nearly all low, and are not.
        try withDriftBench(canaryScores: 0) { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(3, &worker, even)
            #expect(try bench.alarms == ["CANARY score DRIFT_SHIFT"])
            #expect(try bench.report.action == .driftFreeze)
            let status = try bench.engine.status
            #expect(status.rollout?.phase == .phasePaused && status.slots.count == 2)
            #expect(try bench.drifts.first?.reason.contains("the canary alone") == true)
        }
    }

    @Test func `undoes a promotion that the alarm began after, if the policy says so`() throws {
        try withDriftBench(sharing: .rollback) { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(1, &worker, even)
            _ = try bench.engine.promote(full: true)
            bench.wall = .now()
            try bench.windows(2, &worker, even)
            #expect(try bench.engine.status.slots.first?.model == "stump@2")
            try bench.windows(2, &worker, zeros)
            #expect(try bench.engine.status.slots.first?.model == "stump@2")
            try bench.drive(2_500, &worker, zeros)
            bench.pass(bench.windowMilliseconds)
            bench.engine.driftTurn(at: bench.now, wall: bench.wall)
            // The traffic is away before the change is carried out or stored.
            #expect(try worker.score("s-1").model == "stump@1")
            bench.engine.carryOutDriftOrders()
            let status = try bench.engine.status
            #expect(status.slots.map(\.model) == ["stump@1"])
            #expect(status.rollout?.phase == .phaseRolledBack)
            #expect(
                try bench.engine.audit(KassaV1.AuditRequest(limit: 10)).entries
                    .contains { $0.action == "rollout undo" && $0.actor == "guard" })
        }
    }

    @Test func `only pages when the bake time is over`() throws {
        try withDriftBench(sharing: .rollback, bakeMilliseconds: 2_000) { bench, worker in
            try bench.engine.promote("stump@2")
            bench.wall = .now()
            try bench.windows(3, &worker, even)
            try bench.windows(3, &worker, zeros)
            #expect(try bench.report.action == .driftPageAndFreeze)
            #expect(try bench.engine.status.slots.first?.model == "stump@2")
        }
    }

    @Test func `does not blame a promotion for what STABLE saw before it`() throws {
        try withDriftBench(sharing: .rollback) { bench, worker in
            try bench.windows(3, &worker, zeros)
            #expect(try bench.report.action == .driftPageAndFreeze)
            try bench.engine.promote("stump@2")
            bench.wall = .now()
            try bench.windows(4, &worker, zeros)
            #expect(try bench.alarms.contains("STABLE cart.items DRIFT_SHIFT"))
            #expect(try bench.report.action == .driftPageAndFreeze)
            #expect(try bench.engine.status.slots.first?.model == "stump@2")
        }
    }

    @Test func `sees a rate of nulls rise in the first window`() throws {
        try withDriftBench { bench, worker in
            try bench.windows(1, &worker, even)
            try bench.windows(1, &worker) { $0 % 20 == 0 ? nil : even($0) }
            #expect(try bench.alarms == ["STABLE cart.items DRIFT_NULL"])
            let feature = try #require(try bench.report.slots[0].features.first)
            #expect(feature.nullRate == 0.05 && feature.nullRateMax == 0.01)
            #expect(feature.windowsShifted == 1)
        }
    }

    @Test func `counts numbers outside the histogram as unseen`() throws {
        try withDriftBench { bench, worker in
            try bench.windows(1, &worker) { $0 % 10 == 0 ? 11 : $0 % 10 == 1 ? -1 : even($0) }
            #expect(try bench.alarms == ["STABLE cart.items DRIFT_UNSEEN"])
            #expect(try bench.report.slots[0].features.first?.unseenRate == 0.2)
        }
    }

    @Test func `keeps a window of 999 values open, and says that traffic is short`() throws {
        try withDriftBench { bench, worker in
            try bench.windows(1, of: 999, &worker, zeros)
            var slot = try bench.report.slots[0]
            #expect(slot.windows == 0 && slot.openValues == 999)
            #expect(slot.features.allSatisfy { $0.psiThreshold == nil })
            try bench.windows(1, of: 1, &worker, zeros)
            slot = try bench.report.slots[0]
            #expect(slot.windows == 1 && slot.values == 1_000 && slot.openValues == 0)
            #expect(!slot.tooLittleTraffic)
            try bench.windows(3, of: 100, &worker, even)
            #expect(try !bench.report.slots[0].tooLittleTraffic)
            try bench.windows(1, of: 100, &worker, even)
            #expect(try bench.report.slots[0].tooLittleTraffic)
        }
    }

    @Test func `goes on counting for a model that is promoted`() throws {
        try withDriftBench { bench, worker in
            try bench.engine.canary(100)
            try bench.drive(600, &worker, even)
            _ = try bench.engine.promote(full: true)
            try bench.drive(500, &worker, even)
            bench.closeWindow()
            let report = try bench.report
            #expect(report.slots.map(\.model) == ["stump@2", "stump@1"])
            #expect(report.slots[0].values == 1_100 && report.slots[0].windows == 1)
            // What the former STABLE scored beside the canary.
            #expect(report.slots[1].windows == 0 && report.slots[1].openValues == 600)
        }
    }

    @Test func `leaves what it did in force over a restart, and finds anew what was not stored`()
        throws
    {
        let folder = TemporaryFolder()
        try withDriftBench(in: folder) { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(3, &worker, zeros)
            #expect(try bench.engine.status.rollout?.phase == .phasePaused)
        }
        try withDriftBench(in: folder) { bench, worker in
            #expect(try bench.engine.status.rollout?.phase == .phasePaused)
            #expect(try bench.drifts.count == 1)
            #expect(try bench.alarms.isEmpty)
            try bench.windows(3, &worker, zeros)
            #expect(try bench.report.action == .driftPageAndFreeze)
            #expect(try bench.drifts.count == 2)
        }
    }

    @Test func `counts a candidate from zero when it comes again after other settings`() throws {
        try withDriftBench { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(2, of: 1_500, &worker, even)
            try bench.engine.apply([
                .scorer(
                    KassaV1.ScorerSpec(
                        name: "abandonment",
                        drift: KassaV1.DriftSpec(windowMs: 1_000, falsePagesPerMonth: 2)))
            ])
            bench.closeWindow()
            try bench.engine.abort()
            bench.closeWindow()
            try bench.engine.canary(50)
            try bench.windows(1, of: 1_000, &worker, even)
            let canary = try #require(try bench.report.slots.last)
            #expect(canary.slot == .canary && canary.windows == 1 && canary.values == 1_000)
            #expect(try bench.alarms.isEmpty)
        }
    }

    @Test(arguments: [ENOSPC, EROFS])
    func `pauses, tells and records when the store takes writes again`(errno: Int32) throws {
        try withDriftBench { bench, worker in
            let engine = bench.engine
            let told = Notices()
            engine.onDriftNotice { told.add($0) }
            try engine.canary(50)
            try bench.windows(2, &worker, zeros)
            engine.environment.faults.arm(.commit, .fail(errno: errno), times: 2)
            try bench.windows(1, &worker, zeros)
            engine.carryOutDriftOrders()
            #expect(try engine.status.rollout?.phase == .phaseCanary)
            #expect(try bench.drifts.isEmpty)
            #expect(engine.driftGuard.hasOrders)
            engine.carryOutDriftOrders()
            #expect(try engine.status.rollout?.phase == .phasePaused)
            #expect(try bench.drifts.count == 1)
            #expect(told.all.count { $0.kind == .paused } == 1)
            #expect(!engine.driftGuard.hasOrders)
        }
    }

    @Test func `does not pause again for a record that the store took late`() throws {
        try withDriftBench { bench, worker in
            let engine = bench.engine
            try engine.canary(50)
            try bench.windows(2, &worker, zeros)
            // The pause is taken, the record of the alarms is not.
            engine.environment.faults.arm(.commit, .fail(errno: ENOSPC), skipping: 1, times: 1)
            try bench.windows(1, &worker, zeros)
            #expect(try engine.status.rollout?.phase == .phasePaused)
            #expect(try bench.drifts.isEmpty)
            _ = try engine.resume(KassaV1.ResumeRequest(scorer: "abandonment"), at: .now())
            engine.carryOutDriftOrders()
            #expect(try engine.status.rollout?.phase == .phaseCanary)
            #expect(try bench.drifts.count == 1)
        }
    }

    @Test func `drops the oldest order beyond the bound, one that still pauses last`() throws {
        try withDriftBench { bench, _ in
            let drift = bench.engine.driftGuard
            func order(_ number: Int, _ response: DriftResponse = .none) -> DriftOrder {
                DriftOrder(
                    scorer: "abandonment", alarms: [], response: response, reason: "\(number)",
                    wasShared: false, isShared: false)
            }
            for number in 1..<DriftLimits.unrecordedMax { drift.putBack(order(number)) }
            drift.putBack(order(0, .freeze))
            let all = try #require(drift.takeOrder())
            #expect(all.reason == "0")
            drift.putBack(all)
            drift.putBack(order(-1))
            var left: [String] = []
            while let order = drift.takeOrder() { left.append(order.reason) }
            #expect(left.count == DriftLimits.unrecordedMax)
            #expect(left.first == "0" && left.last == "1")
        }
    }

    @Test func `counts one score of so many if it is told to`() throws {
        try withDriftBench { bench, worker in
            try bench.engine.apply([
                .scorer(
                    KassaV1.ScorerSpec(
                        name: "abandonment",
                        drift: KassaV1.DriftSpec(windowMs: 1_000, sampleEvery: 10)))
            ])
            bench.closeWindow()
            try bench.windows(1, of: 5_000, &worker, even)
            let values = try bench.report.slots[0].openValues
            #expect((350...650).contains(values))
        }
    }

    @Test func `is refused settings out of range`() throws {
        try withDriftBench { bench, _ in
            let fits = KassaV1.DriftSpec(
                windowMs: 100, falsePagesPerMonth: 1_000, bakeMs: 30 * 86_400_000,
                sampleEvery: 1_000)
            func apply(_ change: (inout KassaV1.DriftSpec) -> Void) throws {
                var spec = fits
                change(&spec)
                try bench.engine.apply([
                    .scorer(KassaV1.ScorerSpec(name: "abandonment", drift: spec))
                ])
            }
            func expectRefusal(
                of field: String, _ change: (inout KassaV1.DriftSpec) -> Void
            ) {
                let error = #expect(throws: EngineError.self) { try apply(change) }
                #expect(error?.reason.contains("scorer.drift.\(field)") == true)
            }
            try apply { _ in }
            try apply { $0.windowMs = 86_400_000 }
            try apply { $0.falsePagesPerMonth = 0.001 }
            expectRefusal(of: "window_ms") { $0.windowMs = 99 }
            expectRefusal(of: "window_ms") { $0.windowMs = 86_400_001 }
            expectRefusal(of: "false_pages_per_month") { $0.falsePagesPerMonth = 0.0009 }
            expectRefusal(of: "false_pages_per_month") { $0.falsePagesPerMonth = .nan }
            expectRefusal(of: "false_pages_per_month") { $0.falsePagesPerMonth = 1_001 }
            expectRefusal(of: "bake_ms") { $0.bakeMs = 30 * 86_400_000 + 1 }
            expectRefusal(of: "sample_every") { $0.sampleEvery = 1_001 }
            expectRefusal(of: "on_shared_drift") {
                $0.onSharedDrift = KassaV1.SharedDrift(rawValue: 2)
            }
        }
    }
}

/// The notices of an engine.
final class Notices: Sendable {
    private let notices = Mutex<[DriftNotice]>([])

    func add(_ notice: DriftNotice) { notices.withLock { $0.append(notice) } }

    var all: [DriftNotice] { notices.withLock { $0 } }
}

/// What a watcher was told, on whatever thread.
private final class Told: Sendable {
    private let batch = Mutex<RolloutEvents.Batch?>(nil)

    func set(_ value: RolloutEvents.Batch) { batch.withLock { $0 = value } }

    var value: RolloutEvents.Batch? { batch.withLock { $0 } }
}
