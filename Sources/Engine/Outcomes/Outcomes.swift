// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Rollout
internal import Store
internal import Synchronization

/// Recorded scores, their outcomes, and the labels that both together give.
///
/// A loop puts a score into its ring (``ScoreRecorder``); the guard thread stores what is in the rings,
/// hands reported outcomes to the writer, and sees to what has matured. All changes are made by commands
/// on the writer's thread, so each sees what those before it have stored.
///
/// Invariant: every label is given to every consumer once, those on time in the order of predictions.
final class Outcomes: Sendable {
    /// Of each loop, the scores that wait to be stored.
    let rings: [SPSCRing<RecordedScore>]
    let counters: OutcomeCounters
    let tables: EngineTables
    let environment: Environment
    /// Scores that are kept for one scorer; ``OutcomeLimits/scoresPerScorerMax`` but in tests.
    let scoresPerScorerMax: UInt64
    /// What the ids of this process are mixed with.
    let salt = UInt64.random(in: 0...ScoreID.serialMax)
    private let writer: Writer
    private let published: Published<Configuration>
    private let consumers: [any LabelConsumer]
    private let waiting = Mutex(Waiting())
    private let compiled = Mutex(Compiled())
    /// Commands that the writer has not completed.
    private let openCommands = Atomic<Int>(0)
    /// Of those, commands that see to maturity.
    private let openMaturing = Atomic<Int>(0)
    private let needsMaturing = Atomic<Bool>(false)
    private let clock = Mutex(AgeClock())
    /// Wakes the guard thread.
    let wakeUps = Semaphore()

    private struct Waiting {
        var requests: [RecordOutcomes] = []
        var isStopped = false
    }

    /// The lanes of one epoch.
    private struct Compiled {
        var epoch: UInt64?
        var lanes: [UInt32: OutcomeLane] = [:]
    }

    init(
        loopCount: Int, environment: Environment, writer: Writer, tables: EngineTables,
        published: Published<Configuration>, consumers: [any LabelConsumer],
        scoresPerScorerMax: UInt64
    ) {
        rings = (0..<loopCount).map { _ in SPSCRing(capacity: OutcomeLimits.waitingScoresMax) }
        counters = OutcomeCounters(loopCount: loopCount)
        self.environment = environment
        self.writer = writer
        self.tables = tables
        self.published = published
        self.consumers = consumers
        self.scoresPerScorerMax = scoresPerScorerMax
    }

    // MARK: Scorers

    /// The scorers by lane, as of the configuration in force.
    var lanes: [UInt32: OutcomeLane] {
        let configuration = published.current
        return compiled.withLock { compiled in
            if compiled.epoch != configuration.epoch {
                compiled.lanes = [:]
                for spec in configuration.scorerSpecs {
                    let lane = OutcomeLane(spec)
                    compiled.lanes[lane.number] = lane
                }
                compiled.epoch = configuration.epoch
            }
            return compiled.lanes
        }
    }

    func lane(_ number: UInt32) -> OutcomeLane? { lanes[number] }

    /// The name of a lane's scorer, for metrics and consumers.
    func name(of number: UInt32) -> String { lane(number)?.name ?? "" }

    // MARK: On any thread

    /// Whether the wall clock stepped, which makes no score older; to be called often.
    func lookAtClock(wall: Timestamp, at now: MonotonicTime) {
        clock.withLock { $0.look(wall: wall.microseconds, at: now) }
    }

    /// The time by which scores mature.
    func maturing(_ lane: OutcomeLane, at wall: Int64) -> Int64 {
        clock.withLock {
            $0.time(wall, forAge: lane.policy.maturityMicroseconds, at: .now())
        }
    }

    /// The time by which scores pass their horizon.
    func expiring(_ lane: OutcomeLane, at wall: Int64) -> Int64 {
        clock.withLock { $0.time(wall, forAge: lane.policy.horizonMicroseconds, at: .now()) }
    }

    /// Queues outcomes for the guard thread, which stores the scores before them first.
    func submit(_ request: RecordOutcomes) throws(EngineError) {
        let refusal = waiting.withLock { waiting -> EngineError? in
            if waiting.isStopped { return EngineError(.unavailable, "the server is stopping") }
            guard waiting.requests.count < OutcomeLimits.waitingRequestsMax else {
                return EngineError(
                    .resourceExhausted, "too many outcomes wait to be stored; try again")
            }
            waiting.requests.append(request)
            return nil
        }
        if let refusal { throw refusal }
        wakeUps.signal()
    }

    // MARK: On the guard thread

    /// Stores what is in the rings and what was reported; then, if asked, looks for what has matured.
    func turn(at now: Timestamp, seesToMaturity: Bool) {
        // Requests first: whatever they are about is in the rings by now.
        let requests = waiting.withLock { waiting in
            let requests = waiting.requests
            waiting.requests.removeAll(keepingCapacity: true)
            return requests
        }
        for ring in rings { store(ring) }
        for request in requests {
            submit(request) { error in request.completed(.failed(error)) }
        }
        if seesToMaturity { mature(at: now) }
    }

    private func store(_ ring: SPSCRing<RecordedScore>) {
        // What comes meanwhile is for the next turn.
        var rest = ring.count
        while rest > 0 {
            var scores: [RecordedScore] = []
            scores.reserveCapacity(min(rest, OutcomeLimits.storedScoresMax))
            let taken = ring.drain(max: min(rest, OutcomeLimits.storedScoresMax)) {
                scores.append($0)
            }
            rest -= taken
            submit(KeepScores(scores, self)) { [counters] _ in
                counters.count(.store, taken, lane: counters.guardLane)
                self.commandEnded()
            }
        }
    }

    /// Has the scores seen to that are due, of every scorer, if that is not under way.
    private func mature(at now: Timestamp) {
        guard openMaturing.load(ordering: .acquiring) == 0 else { return }
        needsMaturing.store(false, ordering: .releasing)
        // A store that cannot be read now is looked at in the next turn.
        let due = (try? dueLanes(now: now.microseconds)) ?? []
        openMaturing.store(due.count, ordering: .releasing)
        for lane in due {
            let command = MatureScores(lane, now: now.microseconds, self)
            submit(command) { error in command.completed(.failed(error)) }
        }
    }

    /// The scorers with scores that have matured, or that are past their horizon.
    private func dueLanes(now: Int64) throws(StoreError) -> [OutcomeLane] {
        let lanes = lanes.values
        return try environment.read { transaction throws(StoreError) in
            var due: [OutcomeLane] = []
            for lane in lanes where try isDue(lane, now: now, in: transaction) { due.append(lane) }
            return due
        }
    }

    private func isDue(
        _ lane: OutcomeLane, now: Int64, in transaction: borrowing ReadTransaction
    ) throws(StoreError) -> Bool {
        let prefix = LaneState.key(lane.number)
        var state = LaneState(lane: lane.number)
        if let bytes = try transaction.value(forKey: prefix.span, in: tables.calibrations) {
            state = LaneState(bytes) ?? state
        }
        guard state.keptCount > 0 else { return false }
        let reached = state.matureUpTo
        let expiring = expiring(lane, at: now)
        var isDue = false
        try transaction.scan(tables.scores, prefix: prefix.span) { key, _ in
            guard let id = ScoreID(bytes: key) else { return false }
            isDue = id <= reached && lane.policy.isPastHorizon(id, now: expiring)
            return false
        }
        if isDue { return true }
        let last = lane.policy.lastMature(
            lane: lane.number, now: maturing(lane, at: now))
        let start = reached.next.bytes
        try transaction.scan(tables.scores, prefix: prefix.span, from: start.span) { key, _ in
            isDue = ScoreID(bytes: key).map { $0 <= last } ?? false
            return false
        }
        return isDue
    }

    /// Whether maturing should go on, without waiting for its next time.
    var isMaturingDue: Bool { needsMaturing.load(ordering: .acquiring) }

    private func submit(_ command: any WriteCommand, orElse failed: (StoreError) -> Void) {
        openCommands.add(1, ordering: .acquiringAndReleasing)
        do throws(StoreError) {
            try writer.submit(command)
        } catch {
            failed(error)
        }
    }

    /// Whether outcomes wait to be handed to the writer.
    var hasRequests: Bool { waiting.withLock { !$0.requests.isEmpty } }

    /// Whether nothing is on its way to the store.
    var isSettled: Bool {
        openCommands.load(ordering: .acquiring) == 0
            && waiting.withLock { $0.requests.isEmpty } && rings.allSatisfy { $0.count == 0 }
    }

    /// Takes no more outcomes, and stores what there is.
    func stop() {
        waiting.withLock { $0.isStopped = true }
        turn(at: .now(), seesToMaturity: false)
    }

    // MARK: On the writer's thread

    /// The score that is kept under `id`; nil if there is none or its bytes are damaged.
    func kept(
        _ id: ScoreID, in transaction: borrowing WriteTransaction
    ) throws(StoreError) -> KeptScore? {
        let key = id.bytes
        guard let bytes = try transaction.value(forKey: key.span, in: tables.scores) else {
            return nil
        }
        return KeptScore(bytes, id: id)
    }

    /// Gives labels to every consumer, within a transaction.
    func handOver(
        _ labels: [MaturedLabel], of scorer: String, in transaction: inout WriteTransaction
    ) throws(StoreError) {
        for consumer in consumers { try consumer.take(labels, of: scorer, in: &transaction) }
    }

    /// Labels that one command has handed over are committed.
    func labelsWereStored(_ labels: [MaturedLabel], of scorer: String) {
        guard !labels.isEmpty else { return }
        let positives = labels.count { $0.label }
        counters.countMatured(positives, label: true, scorer: scorer)
        counters.countMatured(labels.count - positives, label: false, scorer: scorer)
        for consumer in consumers { consumer.labelsWereStored(labels, of: scorer) }
    }

    /// A command was completed, or could not be submitted.
    func commandEnded() {
        openCommands.subtract(1, ordering: .acquiringAndReleasing)
    }

    /// A scorer's maturity was seen to; `hasMore` says that there was more than goes into one commit.
    func maturingEnded(hasMore: Bool) {
        if hasMore { needsMaturing.store(true, ordering: .releasing) }
        openMaturing.subtract(1, ordering: .acquiringAndReleasing)
        if hasMore { wakeUps.signal() }
        commandEnded()
    }
}
