// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Metrics
import Rollout
import Store
import Synchronization
import Testing
import Wire

@testable import Engine

/// Labels on their way to the guards, with the clock and the writer's groups in the test's hand.
struct `Labels for the guards` {
    private static let start: Int64 = 1_763_650_000_000_000

    private func time(_ seconds: Double) -> Timestamp {
        Timestamp(microseconds: Self.start + Int64((seconds * 1e6).rounded()))
    }

    /// A canary that every request is compared with; scores mature after 10 s.
    private func withCanary(
        _ body: (Engine, inout Worker) throws -> Void
    ) throws {
        try withShop { engine, worker in
            try engine.apply([
                .scorer(
                    KassaV1.ScorerSpec(
                        name: "abandonment",
                        outcomes: KassaV1.OutcomeSpec(maturityMs: 10_000, horizonMs: 60_000)))
            ])
            try engine.canary(50)
            try body(engine, &worker)
        }
    }

    private func labels(_ engine: Engine, _ fate: LabelFate) throws -> UInt64 {
        var snapshot = MetricSnapshot()
        LabelFateSource(guards: engine.guards).collect(into: &snapshot)
        let family = try #require(
            snapshot.families.first { $0.name == "kassa_guard_labels_total" })
        let sample = try #require(
            snapshot.samples(of: family).first { $0.labels == [fate.rawValue] })
        guard case .count(let count) = sample.value else { return 0 }
        return count
    }

    /// Both in one group, as under load; `repeats` has the group applied twice besides.
    @Test(arguments: [false, true])
    func `are all weighed, when some mature and others come late in the same commit`(
        repeats: Bool
    ) throws {
        try withCanary { engine, worker in
            let late = try worker.record(0..<40, at: time(0))
            engine.guardTurn(at: time(10))
            let timely = try worker.record(40..<100, at: time(12))
            try engine.report(timely, at: time(13))
            engine.guardTurn(at: time(13))
            #expect(try labels(engine, .weighed) == 0)
            let groups = engine.writer.statistics.groups
            // The writer's thread stands, until all that belongs to the group is queued.
            let gate = Gate()
            try engine.writer.submit(gate)
            gate.waitUntilReached()
            engine.outcomes.turn(at: time(23), seesToMaturity: true)
            try engine.submit(late, at: time(23))
            engine.outcomes.turn(at: time(23), seesToMaturity: false)
            if repeats { try engine.writer.submit(Spoiler(engine.tables)) }
            gate.open()
            engine.guardTurn(at: time(23))
            // The gate's own, and that of the labels.
            #expect(engine.writer.statistics.groups - groups <= 2)
            #expect(try engine.status.`guard`?.labels == 60)
            #expect(try labels(engine, .weighed) == 60)
            #expect(try labels(engine, .late) == 40)
        }
    }

    @Test func `are counted by why they are no evidence`() throws {
        try withCanary { engine, worker in
            let ids = try worker.record(0..<30, at: time(0))
            try engine.report(ids, at: time(1))
            try engine.abort()
            engine.guardTurn(at: time(10))
            #expect(try labels(engine, .ended) == 30)
            // Of a request that no guard watches there is nothing to weigh.
            let unwatched = try worker.record(30..<40, at: time(11))
            try engine.report(unwatched, at: time(12))
            engine.guardTurn(at: time(21))
            for fate in LabelFate.allCases where fate != .ended {
                #expect(try labels(engine, fate) == 0, "\(fate)")
            }
            #expect(try labels(engine, .ended) == 30)
        }
    }
}

extension Worker {
    /// Scores sessions and asks for ids.
    fileprivate mutating func record(_ sessions: Range<Int>, at now: Timestamp) throws -> [String] {
        var ids: [String] = []
        for session in sessions {
            let request = KassaV1.ScoreRequest(
                scorer: "abandonment",
                entities: [KassaV1.EntityKey(kind: "session", id: "s-\(session)")], record: true)
            let bytes = request.encodedBytes()
            begin()
            defer { end() }
            var writer = WireWriter()
            try score(bytes.span, at: now, into: &writer)
            ids.append(try KassaV1.ScoreResponse(decoding: writer.bytes).scoreId)
        }
        settle()
        return ids
    }
}

extension Engine {
    /// Queues outcomes for the next turn.
    fileprivate func submit(_ ids: [String], at now: Timestamp) throws {
        let request = KassaV1.RecordOutcomeRequest(
            outcomes: ids.enumerated().map {
                KassaV1.Outcome(scoreId: $1, label: $0.isMultiple(of: 2))
            })
        let bytes = request.encodedBytes()
        try recordOutcomes(bytes.span, at: now) { result in
            guard case .success(let response) = result else {
                Issue.record("the outcomes were not stored")
                return
            }
            #expect(response.statuses.allSatisfy { $0 == .outcomeAccepted })
        }
    }

    /// Has outcomes stored; nothing matures.
    fileprivate func report(_ ids: [String], at now: Timestamp) throws {
        try submit(ids, at: now)
        guardTurn(at: Timestamp(microseconds: 0))
    }
}

/// Holds the writer's thread until it is opened.
private final class Gate: WriteCommand {
    let durability = Durability.fast
    let recordCount = 1
    let byteCount = 0
    private let reached = Semaphore()
    private let opened = Semaphore()
    private let isOpen = Atomic(false)

    func waitUntilReached() { _ = reached.wait(timeoutNanoseconds: 60_000_000_000) }

    func open() {
        isOpen.store(true, ordering: .releasing)
        opened.signal()
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        reached.signal()
        while !isOpen.load(ordering: .acquiring) {
            _ = opened.wait(timeoutNanoseconds: 1_000_000_000)
        }
    }

    func completed(_ outcome: WriteOutcome) {}
}

/// Throws after it has written, so that the others of its group are applied again.
private final class Spoiler: WriteCommand {
    let durability = Durability.fast
    let recordCount = 1
    let byteCount = 2
    private let tables: EngineTables

    init(_ tables: EngineTables) { self.tables = tables }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        let key: [UInt8] = [0xff]
        try transaction.put(key.span, forKey: key.span, in: tables.calibrations)
        throw .queueFull
    }

    func completed(_ outcome: WriteOutcome) {}
}
