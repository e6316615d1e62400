// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Metrics
internal import Store
internal import Wire

/// What one event loop needs to answer requests: its view of the configuration, its snapshot of the
/// store, its scratch memory and its counters.
///
/// It belongs to one thread. After warm-up, scoring through it takes no lock and allocates nothing.
///
/// ```swift
/// worker.begin()                      // the bytes of some requests have arrived
/// try worker.score(message, at: .now(), into: &writer)
/// worker.end()                        // nothing is pinned while the loop sleeps
/// ```
package struct Worker: ~Copyable {
    let engine: Engine
    var configuration: Published<Configuration>.Subscription
    var transaction: ReadTransaction
    var request = ScoreRequestFields()
    var readRequest = ReadRequestFields()
    var readRows = ReadRows()
    var readPlans = ReadPlanCache()
    var key = RowKey()
    var historyKey = HistoryKey()
    /// The slots of the configuration.
    var lanes: [ScoreLane] = []
    var counters: WorkerCounters
    let drift: DriftRecorder
    var recorder: ScoreRecorder
    /// Requests of this turn that the other model is still to score.
    var pairs = PairQueue()
    var guardCounters: GuardCounters
    /// How the guard hears of requests, and what that may cost.
    var loopWatch: LoopWatch
    /// What this loop has met that was the matter with watched models.
    var causes = LoopCauses()
    /// Whether a scorer of the configuration has an open rollout, or a promotion that is watched.
    private(set) var isWatching = false
    private var hasSnapshot = false

    /// A worker for the loop number `loop`.
    package init(engine: Engine, loop: Int) throws(EngineError) {
        do throws(StoreError) {
            transaction = try engine.environment.makeReadTransaction()
            // A loop that nobody calls must pin nothing either.
            transaction.reset()
        } catch {
            throw EngineError(error)
        }
        self.engine = engine
        configuration = Published.Subscription(engine.published)
        counters = WorkerCounters(engine.metrics, loop: loop)
        drift = DriftRecorder(engine.driftBook, loop: loop)
        recorder = ScoreRecorder(engine.outcomes, loop: loop)
        guardCounters = GuardCounters(engine.guards.metrics, loop: loop)
        loopWatch = LoopWatch(engine.guards, engine.outcomes, loop: loop)
        prepareForConfiguration()
    }

    /// Moves to the newest configuration and the newest snapshot.
    ///
    /// To be called after the bytes of requests were received and before they are answered: then every
    /// write that was acknowledged before a request was sent is seen by it.
    package mutating func begin() {
        moveToNewestConfiguration()
        hasSnapshot = false
    }

    /// Lets go of the snapshot, so that a sleeping loop pins no page of the store.
    package mutating func end() {
        guardCounters.stampAnswers()
        transaction.reset()
        hasSnapshot = false
    }

    /// Does what could wait until the replies of the turn were sent.
    package mutating func settle() {
        afterReply()
        drift.settle()
    }

    /// Takes the newest snapshot if none was taken since ``begin()``.
    ///
    /// The configuration is the one that is in force both before and after the snapshot is taken, so
    /// that no table is read which the snapshot shows half filled or half emptied.
    mutating func renewSnapshot() throws(EngineError) {
        guard !hasSnapshot else { return }
        do throws(StoreError) {
            repeat { try transaction.renew() } while moveToNewestConfiguration()
        } catch {
            throw EngineError(error)
        }
        hasSnapshot = true
    }

    /// Whether there was a newer configuration.
    @discardableResult
    private mutating func moveToNewestConfiguration() -> Bool {
        guard configuration.isStale else { return false }
        // What waits belongs to the configuration that it was answered under.
        scorePairs()
        configuration.refresh()
        prepareForConfiguration()
        return true
    }

    private mutating func prepareForConfiguration() {
        // Memory that fits a model is kept for it: a change of slots makes none anew.
        var spare: [ObjectIdentifier: [ScoreScratch]] = [:]
        for lane in lanes {
            spare[ObjectIdentifier(lane.scorer.model), default: []].append(lane.scratch)
        }
        lanes = configuration.value.scorers.enumerated().map { place, scorer in
            let kept = spare[ObjectIdentifier(scorer.model)]?.popLast()
            let scratch =
                if let kept, kept.inputCount == scorer.plan.count {
                    kept
                } else {
                    ScoreScratch(inputCount: scorer.plan.count, model: scorer.model.compiled)
                }
            return ScoreLane(place, of: configuration.value, scratch)
        }
        counters.prepare(for: configuration.value)
        guardCounters.prepare(for: configuration.value)
        isWatching = configuration.value.splits.contains(where: \.watch.isOn)
        if !isWatching { loopWatch.reset() }
        causes.removeAll()
        drift.prepare(for: configuration.value)
        readPlans.removeAll()
    }
}
