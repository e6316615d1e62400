// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Glibc
import Rollout
import Store
import Testing

@testable import Engine

private func even(_ session: Int) -> Int64? { Int64(session * 7 % 10) }
private func zeros(_ session: Int) -> Int64? { 0 }

extension DriftBench {
    func accept(_ reason: String = "it is so") throws -> KassaV1.AcceptDriftResponse {
        try engine.acceptDrift(
            KassaV1.AcceptDriftRequest(scorer: "abandonment", actor: "ada", reason: reason),
            at: wall)
    }

    /// The next hour begins, at its tenth minute; no window is open.
    fileprivate func passToNextHour() {
        let hour: Int64 = 3_600_000_000
        let next = (wall.microseconds / hour + 1) * hour + hour / 6
        pass(UInt64((next - wall.microseconds) / 1_000))
        engine.driftTurn(at: now, wall: wall)
    }

    /// Values of the feature that the hours have learnt, all together.
    fileprivate var learnt: UInt64 {
        let models = engine.driftGuard.drift(of: "abandonment")?.hours.values.first
        return models?["cart.items"]?.counts.reduce(0, +) ?? 0
    }
}

struct `What a person accepts of drift` {
    @Test func `ends its alarms, on record, and is kept over a restart`() throws {
        let folder = TemporaryFolder()
        try withDriftBench(in: folder) { bench, worker in
            let told = Notices()
            bench.engine.onDriftNotice { told.add($0) }
            bench.passToNextHour()
            try bench.windows(3, &worker, zeros)
            #expect(try bench.report.action == .driftPageAndFreeze)
            let seen = bench.engine.events.last
            let response = try bench.accept("a sale of empty carts")
            #expect(response.features == ["stump@1 score", "stump@1 cart.items"])
            #expect(response.report?.action == .driftNothing)
            #expect(response.report?.slots[0].features.allSatisfy(\.accepted) == true)
            #expect(bench.engine.events.last > seen)
            #expect(told.all.map(\.kind) == [.shared, .features, .shared, .features])
            #expect(told.all.map(\.isRaised) == [true, true, false, false])
            #expect(try bench.alarms.isEmpty)
            #expect(!bench.engine.driftGuard.isFrozen("abandonment"))
            let entries = try bench.engine.audit(KassaV1.AuditRequest(limit: 100)).entries
            let record = try #require(entries.first { $0.action == "drift accept" })
            #expect(record.actor == "ada" && record.reason == "a sale of empty carts")
            #expect(record.details.contains("stump@1 cart.items"))
            try bench.windows(4, &worker, zeros)
            #expect(try bench.alarms.isEmpty)
            // Nothing is left to accept.
            let error = #expect(throws: EngineError.self) { try bench.accept() }
            #expect(error?.kind == .failedPrecondition)
        }
        try withDriftBench(in: folder) { bench, worker in
            try bench.windows(4, &worker, zeros)
            #expect(try bench.alarms.isEmpty)
            #expect(try bench.report.slots[0].windows == 4)
        }
    }

    @Test func `is usual at its hours from then on, and a fault at any of them is an alarm`() throws
    {
        try withDriftBench { bench, worker in
            bench.passToNextHour()
            try bench.windows(3, of: 1_000, &worker, zeros)
            _ = try bench.accept()
            for _ in 0..<25 {
                bench.passToNextHour()
                try bench.windows(1, of: 1_000, &worker, zeros)
                #expect(try bench.alarms.isEmpty)
            }
            let feature = try #require(
                try bench.report.slots[0].features.first { $0.feature == "cart.items" })
            #expect(!feature.accepted && feature.usual == [.driftShift])
            #expect(feature.psi > 1 && feature.windowsShifted > 25)
            #expect(feature.hourPsi.map { $0 < 0.01 } == true)
            try bench.windows(2, of: 1_000, &worker) { _ in 9 }
            #expect(try bench.alarms.isEmpty)
            try bench.windows(1, of: 1_000, &worker) { _ in 9 }
            #expect(try bench.alarms.contains("STABLE cart.items DRIFT_SHIFT"))
            #expect(try bench.report.action == .driftPageAndFreeze)
        }
    }

    @Test func `needs an alarm, a reason, a scorer, and windows within an hour`() throws {
        try withDriftBench { bench, worker in
            func refusal(_ scorer: String, _ reason: String) -> EngineError.Kind? {
                do throws(EngineError) {
                    _ = try bench.engine.acceptDrift(
                        KassaV1.AcceptDriftRequest(scorer: scorer, reason: reason), at: bench.wall)
                    return nil
                } catch {
                    return error.kind
                }
            }
            #expect(refusal("none", "why") == .notFound)
            #expect(refusal("abandonment", "") == .invalidArgument)
            #expect(refusal("abandonment", "why") == .failedPrecondition)
            try bench.windows(2, of: 1_000, &worker, zeros)
            #expect(refusal("abandonment", "two windows are no alarm") == .failedPrecondition)
            for (milliseconds, expected) in [
                (3_600_001, .failedPrecondition), (3_600_000, nil),
            ] as [(UInt64, EngineError.Kind?)] {
                try bench.engine.apply([
                    .scorer(
                        KassaV1.ScorerSpec(
                            name: "abandonment", drift: KassaV1.DriftSpec(windowMs: milliseconds)))
                ])
                engineTurn(bench)
                for _ in 0..<3 {
                    try bench.drive(1_000, &worker, zeros)
                    bench.pass(milliseconds)
                    engineTurn(bench)
                }
                #expect(try bench.alarms.contains("STABLE cart.items DRIFT_SHIFT"))
                #expect(refusal("abandonment", "why") == expected)
            }
        }
    }

    private func engineTurn(_ bench: DriftBench) {
        bench.engine.driftTurn(at: bench.now, wall: bench.wall)
        bench.engine.carryOutDriftOrders()
    }
}

struct `Hours of the day` {
    @Test func `learn what is as in training, not what an alarm is about`() throws {
        try withDriftBench { bench, worker in
            bench.passToNextHour()
            try bench.windows(2, of: 1_000, &worker, even)
            #expect(bench.learnt == 2_000)
            try bench.windows(5, of: 1_000, &worker, zeros)
            #expect(bench.learnt == 2_000)
            try bench.windows(1, of: 1_000, &worker, even)
            #expect(bench.learnt == 3_000)
        }
    }

    @Test func `learn nothing in a window in which the clock was set`() throws {
        try withDriftBench { bench, worker in
            bench.passToNextHour()
            for step in [86_400_000_000, -86_400_000_000] as [Int64] {
                try bench.drive(1_000, &worker, even)
                bench.wall = Timestamp(microseconds: bench.wall.microseconds + step)
                bench.closeWindow()
                #expect(bench.learnt == 0)
            }
            try bench.windows(1, of: 1_000, &worker, even)
            #expect(bench.learnt == 1_000)
        }
    }

    @Test func `go on where they were under other settings`() throws {
        try withDriftBench { bench, worker in
            bench.passToNextHour()
            try bench.windows(1, of: 1_000, &worker, even)
            try bench.engine.apply([
                .scorer(
                    KassaV1.ScorerSpec(
                        name: "abandonment",
                        drift: KassaV1.DriftSpec(windowMs: 1_000, falsePagesPerMonth: 2)))
            ])
            bench.closeWindow()
            #expect(bench.learnt == 1_000)
            try bench.windows(1, of: 1_000, &worker, even)
            #expect(bench.learnt == 2_000)
        }
    }

    @Test func `go over to a candidate, into its own bins`() throws {
        try withDriftBench { bench, worker in
            bench.passToNextHour()
            try bench.windows(3, of: 1_000, &worker, zeros)
            _ = try bench.accept()
            for _ in 0..<25 {
                bench.passToNextHour()
                try bench.windows(1, of: 1_000, &worker, zeros)
            }
            try bench.engine.uploadStump(threshold: 5) {
                $0.histograms = [
                    KassaV1.ReferenceHistogram(
                        n: 5_000, edges: [0, 2, 5, 10], counts: [1_000, 1_500, 2_500])
                ]
            }
            try bench.engine.canary(50, of: "stump@3")
            try bench.windows(4, of: 1_000, &worker, zeros)
            let canary = try bench.report.slots[1]
            #expect(canary.model == "stump@3" && canary.windows == 4)
            let feature = try #require(canary.features.first)
            #expect(feature.usual == [.driftShift] && feature.windowsShifted == 4)
            #expect(try bench.alarms.isEmpty)
            #expect(try bench.engine.status.rollout?.phase == .phaseCanary)
        }
    }

    @Test func `that are older do not follow an accept into the store`() throws {
        try withDriftBench { bench, worker in
            let engine = bench.engine
            bench.passToNextHour()
            try bench.windows(3, of: 1_000, &worker, zeros)
            let isHeld = Semaphore()
            let release = Semaphore()
            let holder = Thread(name: "holder") {
                _ = try? engine.run { _, _ in
                    isHeld.signal()
                    release.wait()
                }
            }
            isHeld.wait()
            let depth = engine.writer.statistics.queuedCommands
            let request = KassaV1.AcceptDriftRequest(scorer: "abandonment", reason: "it is so")
            let now = bench.wall
            let person = Thread(name: "person") { _ = try? engine.acceptDrift(request, at: now) }
            while engine.writer.statistics.queuedCommands == depth { usleep(1_000) }
            // The keeper comes between the accept's transaction and its effect.
            engine.storeHours()
            release.signal()
            holder.join()
            person.join()
            try worker.write(items: 1, session: "s")
            let stored = try Engine.storedHours(engine.environment, engine.tables)["abandonment"]
            let hours = try #require(stored?.values.first?["cart.items"])
            #expect(hours.acceptedHours.nonzeroBitCount == 1)
            #expect(hours.counts.reduce(0, +) == 3_000)
        }
    }

    @Test func `are stored when an hour is over`() throws {
        try withDriftBench { bench, worker in
            let engine = bench.engine
            bench.passToNextHour()
            try bench.windows(1, of: 1_000, &worker, even)
            let digest = try #require(engine.published.current.scorers.first).model.bundleDigest
            func stored() throws -> HourlyReference.Stored? {
                try Engine.storedHours(engine.environment, engine.tables)["abandonment"]?[digest]?[
                    "cart.items"]
            }
            #expect(try stored()?.counts.contains { $0 > 0 } != true)
            bench.passToNextHour()
            // The next write follows it in order.
            try worker.write(items: 1, session: "s")
            let hours = try #require(try stored())
            #expect(hours.counts.reduce(0, +) == 1_000 && hours.acceptedHours == 0)
        }
    }
}
