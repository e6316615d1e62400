// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Rollout
import Store
import Testing

@testable import Engine

private func even(_ session: Int) -> Int64? { Int64(session * 7 % 10) }
private func zeros(_ session: Int) -> Int64? { 0 }
private func lossy(_ session: Int) -> Int64? { session % 5 == 0 ? nil : Int64(session * 7 % 10) }

extension DriftBench {
    /// What a kill -9 leaves when the keeper has looked.
    fileprivate func leftBehind(_ folder: TemporaryFolder) throws -> TemporaryFolder {
        var care = DriftCare(engine)
        care.store(engine, at: now)
        // Behind this one it is stored.
        try engine.run { _, _ in }
        return try folder.leftBehind()
    }

    fileprivate var isFrozen: Bool { engine.driftGuard.isFrozen("abandonment") }
}

struct `A drift alarm that is on` {
    @Test(arguments: [false, true])
    func `goes on after a kill, and ends by a window as in training`(_ isOfRates: Bool) throws {
        let folder = TemporaryFolder()
        var left = folder
        var alarms: [String] = []
        var since: Int64 = 0
        try withDriftBench(in: folder) { bench, worker in
            try bench.windows(4, &worker, isOfRates ? lossy : zeros)
            alarms = try bench.alarms
            since = try bench.report.sinceUs
            #expect(alarms.contains("STABLE cart.items DRIFT_\(isOfRates ? "NULL" : "SHIFT")"))
            left = try bench.leftBehind(folder)
        }
        var again = folder
        try withDriftBench(in: left) { bench, worker in
            #expect(try bench.alarms == alarms)
            #expect(try bench.report.action == .driftPageAndFreeze)
            #expect(try bench.report.sinceUs == since)
            #expect(bench.isFrozen)
            // It is on record already.
            bench.engine.carryOutDriftOrders()
            let records = try bench.drifts.count
            // As long as it goes on it stays on, and is no other.
            try bench.windows(2, &worker, isOfRates ? lossy : zeros)
            #expect(try bench.alarms == alarms && bench.drifts.count == records)
            try bench.windows(1, &worker, even)
            #expect(try bench.alarms.isEmpty && bench.drifts.count == records + 1)
            #expect(!bench.isFrozen)
            again = try bench.leftBehind(left)
        }
        try withDriftBench(in: again) { bench, _ in
            let report = try bench.report
            #expect(report.action == .driftNothing && !bench.isFrozen)
            #expect(try bench.alarms.isEmpty)
        }
    }

    @Test func `that was paused for is not paused for again by a restart`() throws {
        let folder = TemporaryFolder()
        var left = (undone: folder, done: folder, resumed: folder)
        try withDriftBench(in: folder) { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(2, &worker, zeros)
            try bench.drive(2_500, &worker, zeros)
            bench.pass(bench.windowMilliseconds)
            bench.engine.driftTurn(at: bench.now, wall: bench.wall)
            left.undone = try bench.leftBehind(folder)
            bench.engine.carryOutDriftOrders()
            #expect(try bench.engine.status.rollout?.phase == .phasePaused)
            left.done = try bench.leftBehind(folder)
            _ = try bench.engine.resume(
                KassaV1.ResumeRequest(scorer: "abandonment", actor: "ada", reason: "it is fine"),
                at: .now())
            left.resumed = try bench.leftBehind(folder)
        }
        for (folder, phase) in [
            (left.undone, KassaV1.RolloutPhase.phasePaused), (left.done, .phasePaused),
            (left.resumed, .phaseCanary),
        ] {
            try withDriftBench(in: folder) { bench, _ in
                bench.engine.carryOutDriftOrders()
                let status = try bench.engine.status
                #expect(status.rollout?.phase == phase)
                #expect(bench.isFrozen)
            }
        }
    }

    @Test func `is told again after a restart, once`() throws {
        let folder = TemporaryFolder()
        var left = folder
        try withDriftBench(in: folder) { bench, worker in
            try bench.windows(3, &worker, zeros)
            left = try bench.leftBehind(folder)
        }
        try left.withEngine { engine, worker in
            let told = Notices()
            engine.onDriftNotice { told.add($0) }
            let bench = DriftBench(engine)
            engine.driftTurn(at: bench.now, wall: bench.wall)
            try bench.windows(2, &worker, zeros)
            #expect(told.all.map(\.kind) == [.shared] && told.all[0].isRaised)
            #expect(told.all[0].reason.contains("goes on"))
        }
    }

    @Test func `that a person has accepted is off after a kill, whenever that comes`() throws {
        let folder = TemporaryFolder()
        var left = (before: folder, after: folder)
        try withDriftBench(in: folder) { bench, worker in
            try bench.windows(3, &worker, zeros)
            left.before = try bench.leftBehind(folder)
            _ = try bench.accept()
            // Before the keeper looks.
            left.after = try folder.leftBehind()
        }
        try withDriftBench(in: left.after) { bench, worker in
            let report = try bench.report
            #expect(report.action == .driftNothing && !bench.isFrozen)
        }
        try withDriftBench(in: left.before) { bench, worker in
            let response = try bench.accept()
            #expect(response.report?.action == .driftNothing && !bench.isFrozen)
            try bench.windows(3, &worker, zeros)
            #expect(try bench.alarms.isEmpty)
        }
    }

    @Test func `whose model is gone is forgotten`() throws {
        let folder = TemporaryFolder()
        var left = folder
        try withDriftBench(in: folder) { bench, worker in
            try bench.engine.canary(50)
            try bench.windows(2, &worker, even)
            try bench.windows(3, &worker, zeros)
            left = try bench.leftBehind(folder)
        }
        try withDriftBench(in: left) { bench, _ in
            try bench.engine.abort()
            bench.engine.driftTurn(at: bench.now, wall: bench.wall)
            var care = DriftCare(bench.engine)
            care.store(bench.engine, at: bench.now)
            try bench.engine.run { _, _ in }
            let stored = try Engine.storedDrift(bench.engine.environment, bench.engine.tables)
            #expect(stored["abandonment"]?.models.count == 1)
        }
    }
}
