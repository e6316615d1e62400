// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
package import Metrics
internal import Store
internal import Synchronization

/// The heart of Kassa: feature store, models and configuration behind one face.
///
/// Three kinds of caller, by thread. Event loops answer `Score` and `Read` through a ``Worker`` each
/// and hand in writes with ``Worker/write(_:at:completion:)``. Control work (``apply(_:at:)``,
/// ``upload(_:artefact:actor:reason:at:)``) blocks and belongs on the ``ControlThread``. Metrics are read from
/// anywhere.
///
/// Invariant: an answer is computed from one configuration (its epoch) and one snapshot of the store.
/// A configuration is published only after it was committed durably, but for one: a retreat from a
/// candidate (``Verb/isRetreat``) is published first, so that no disk can keep a bad model in force.
///
/// ```swift
/// let engine = try Engine(folder: "kassa-data", loopCount: 2)
/// let worker = try Worker(engine: engine, loop: 0)
/// ```
package final class Engine: Sendable {
    /// The data folder.
    let folder: String
    let environment: Environment
    let writer: Writer
    let tables: EngineTables
    let artefacts: ArtefactFiles
    let published: Published<Configuration>
    let writerMemory = WriterMemory()
    let care = Care()
    let liveKeys = LiveKeys()
    let emptier: Emptier
    /// Changes of slots that are in force and not stored yet, oldest first.
    let pendingRecords = Mutex<[RolloutRecord]>([])
    /// Where retreats are noted until they are stored, and which pulled brakes are in it.
    let retreatFile: Mutex<RetreatFile>
    let notedBrakes = Mutex<[KassaStorageV1.StoredBrake]>([])
    /// Whether the disk has not even taken the newest note.
    let isNoteMissing = Atomic(false)
    /// Changes of slots, for those who watch.
    package let events = RolloutEvents()
    /// What has fallen into the frozen bins of models, and what was made of it.
    let driftBook: DriftBook
    let driftGuard: DriftGuard
    let driftNotice = Mutex<(@Sendable (DriftNotice) -> Void)?>(nil)
    private let keeper = Mutex<RolloutKeeper?>(nil)
    private let housekeeper = Mutex<Housekeeper?>(nil)
    /// Recorded scores and what came of them.
    let outcomes: Outcomes
    /// What weighs the candidates of open rollouts.
    let guards: Guards
    let guardAlarm = Mutex<(@Sendable (GuardAlarm) -> Void)?>(nil)
    let guardThread = Mutex<GuardThread?>(nil)
    /// The counters of all loops.
    package let metrics: EngineMetrics

    /// Opens the store in `folder`, loads and verifies everything that is in force.
    ///
    /// A harness may name a place at which the process ends at once: `killAt`, a ``FaultPoint`` and the
    /// hits to skip, "erase-deleting:2".
    ///
    /// - Throws: what is wrong with the folder, the store or an artefact, and what to do.
    package init(
        folder: String, loopCount: Int, mapBytes: Int = EngineLimits.mapBytes,
        mapBytesMax: Int = 0, killAt: String? = nil,
        scoresPerScorerMax: UInt64 = OutcomeLimits.scoresPerScorerMax
    ) throws(EngineError) {
        let kill = try killAt.map { text throws(EngineError) in
            guard let parsed = FaultPoint.parse(text) else {
                throw EngineError(
                    .invalidArgument,
                    "KASSA_KILL_AT: must be a fault point, with :N to skip N hits, one of "
                        + FaultPoint.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return parsed
        }
        self.folder = folder
        do throws(StoreError) {
            environment = try Environment(
                at: folder, tables: EngineTables.definitions,
                configuration: EnvironmentConfiguration(
                    mapBytes: mapBytes, mapBytesMax: mapBytesMax,
                    readersMax: loopCount + EngineLimits.sparedReaders))
            if let kill { environment.faults.arm(kill.point, .kill, skipping: kill.skipping) }
            writer = try Writer(environment: environment, limits: EngineLimits.writer)
        } catch {
            throw EngineError(error)
        }
        tables = EngineTables(environment)
        artefacts = try ArtefactFiles(folder: "\(folder)/bundles")
        var file = RetreatFile(folder: folder)
        let noted = Self.notedRetreats(&file)
        retreatFile = Mutex(file)
        let retreats: [KassaStorageV1.StoredRetreat]
        do throws(StoreError) {
            retreats = try Self.unrecorded(noted.retreats, environment, tables)
        } catch {
            throw EngineError(error)
        }
        published = Published(
            try Self.load(environment, tables, artefacts, retreats: retreats))
        metrics = EngineMetrics(loopCount: loopCount)
        driftBook = DriftBook(loopCount: loopCount)
        emptier = Emptier(environment: environment, writer: writer, tables: tables)
        do throws(StoreError) {
            driftGuard = DriftGuard(
                driftBook, left: try Self.storedHours(environment, tables),
                alarms: try Self.storedDrift(environment, tables))
            guards = Guards(
                loopCount: loopCount, published: published,
                left: try Self.storedEvidence(environment, tables))
        } catch {
            throw EngineError(error)
        }
        outcomes = Outcomes(
            loopCount: loopCount, environment: environment, writer: writer, tables: tables,
            published: published,
            consumers: [CalibrationBook(tables: tables), LabelEvidence(guards: guards)],
            scoresPerScorerMax: scoresPerScorerMax)
        resume(retreats, noted.brakes)
        do throws(StoreError) {
            // What a process before this one had discarded and not deleted yet.
            for discard in try Self.discards(environment, tables) {
                emptier.add(discard, of: published.current.features.sets[discard.featureSet])
            }
        } catch {
            throw EngineError(error)
        }
    }

    /// Everything that the engine counts, for a registry.
    package var metricSources: [any MetricSource] {
        metrics.sources + [
            StoreSource(environment: environment, writer: writer, published: published),
            CareSource(environment: environment, care: care),
            RolloutSource(engine: self),
            ModelsSource(published: published),
            DriftSource(guardian: driftGuard, published: published),
            CalibrationSource(engine: self), guards, guards.metrics.slotTimes,
            guards.metrics.deltas, guards.metrics.fallbacks, WatchBudgetSource(guards: guards),
            LabelFateSource(guards: guards),
        ] + outcomes.counters.sources
    }

    /// The number of the configuration in force.
    package var epoch: UInt64 { published.current.epoch }

    /// Counts the rows of an acknowledged write.
    func countWritten(_ tally: WriteTally, refused: Int) {
        metrics.countWritten(tally, refused: refused)
    }

    /// Sweeps the store in the background, pass after pass, with a rest of so many seconds between two.
    package func startHousekeeping(everySeconds seconds: Int) {
        housekeeper.withLock { housekeeper in
            guard housekeeper == nil else { return }
            housekeeper = Housekeeper(self)
            housekeeper?.start(everySeconds: seconds)
        }
    }

    /// Looks after rollouts in the background; `submit` hands work to the control thread.
    package func startRollouts(
        submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool
    ) {
        keeper.withLock { keeper in
            guard keeper == nil else { return }
            keeper = RolloutKeeper(self, submit: submit)
        }
    }

    /// Ends what ``startRollouts(submit:)`` began; to be called before the control thread stops.
    package func stopRollouts() {
        // Its thread may be about to wake it, which takes the same lock: joined outside.
        let last = keeper.withLock { keeper in
            defer { keeper = nil }
            return keeper
        }
        last?.stop()
    }

    /// Has the keeper of rollouts look at once: somebody's traffic was taken away.
    func wakeKeeper() {
        keeper.withLock { $0?.wake() }
    }

    /// Sweeps the store once, on the calling thread.
    package func sweep() throws(EngineError) {
        try Housekeeper(self).pass()
    }

    /// Commits what is queued, syncs, and ends the writer's thread.
    package func stop() {
        stopRollouts()
        emptier.stop()
        housekeeper.withLock { housekeeper in
            housekeeper?.stop()
            housekeeper = nil
        }
        care.stop()
        guardThread.withLock { thread in
            thread?.stop()
            thread = nil
        }
        outcomes.stop()
        guards.turn(at: .now())
        GuardCare.storeAll(self)
        storeHours()
        writer.stop()
    }
}
