// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Crypto
internal import Features
internal import Files
internal import Glibc
internal import Store
internal import Wire

/// `Storage`: how the store is, whether it is sound, and copies of it.
extension Engine {
    /// Looks at all of the store each so many seconds in the background (0: only when asked), until
    /// ``stop()``.
    package func startScrubbing(periodSeconds: Int) {
        care.scrubber.start(self, periodSeconds: periodSeconds)
    }

    /// Gives up what may take long, a snapshot: a drain waits for nothing of it.
    package func cancelCare() {
        environment.cancelCopies()
    }

    /// Why the store takes no writes; nil if it takes them.
    package var storeRefusal: String? { environment.writeRefusal?.message }

    /// Queues `job` for the thread of long work, a snapshot; false when too much is queued.
    package func submitLong(_ job: @escaping @Sendable () -> Void) -> Bool {
        care.submit(job)
    }

    /// How the store is. Takes a snapshot for a moment and blocks on locks: not for a loop.
    package func storeStatistics() -> KassaV1.StoreStatsResponse {
        var answer = KassaV1.StoreStatsResponse()
        answer.folder = environment.path
        answer.writeRefusal = environment.writeRefusal?.message ?? ""
        answer.mapBytes = UInt64(environment.mapBytes)
        answer.epoch = epoch
        if let sizes = try? environment.statistics() {
            answer.hasSizes = true
            answer.pageBytes = sizes.pageBytes
            answer.usedPages = sizes.usedPages
            answer.freePages = sizes.freePages
            answer.mapPercent = sizes.mapPercent
            answer.tables = sizes.tables.map {
                KassaV1.StoreTable(name: $0.name, entries: $0.entries, pages: $0.pages)
            }
            answer.readerLag = sizes.readerLag
            answer.readerAgeMs = sizes.oldestReaderMilliseconds
            answer.readers = UInt64(clamping: sizes.readers)
            answer.readersMax = UInt64(clamping: sizes.readersMax)
            answer.diskFreeBytes = sizes.disk.freeBytes
            answer.diskTotalBytes = sizes.disk.totalBytes
            answer.diskNearlyFull = sizes.isDiskNearlyFull
            answer.reopens = sizes.reopens
            answer.outageUs = sizes.outageMicroseconds
        }
        let work = writer.statistics
        answer.lastSequence = work.lastSequence
        answer.queuedCommands = UInt64(clamping: work.queuedCommands)
        answer.queuedBytes = UInt64(clamping: work.queuedBytes)
        answer.groupCommits = work.groups
        answer.failedGroupCommits = work.failedGroups
        answer.records = work.records
        let scans = care.scrubber.snapshot
        answer.lastVerify = scans.lastVerify
        answer.lastScrub = scans.lastScrub
        answer.running = scans.running
        answer.lastSnapshot = care.snapshot.lastSnapshot
        answer.snapshotRunning = care.snapshot.snapshots > 0
        return answer
    }

    /// Starts a look at every entry, or joins the one that was asked for before; answers at once.
    package func verifyStore(
        _ request: KassaV1.VerifyStoreRequest
    ) throws(EngineError) -> KassaV1.VerifyStoreResponse {
        if !request.onlyStatus {
            try care.scrubber.request(bytesPerSecond: request.bytesPerSecond)
        }
        let scans = care.scrubber.snapshot
        let running = scans.running.flatMap { $0.wasAskedFor ? $0 : nil }
        return KassaV1.VerifyStoreResponse(report: running ?? scans.lastVerify)
    }

    /// Makes a snapshot, and notes it in the audit log. Blocks for as long as the disks need.
    package func snapshotStore(
        _ request: KassaV1.SnapshotStoreRequest, at now: Timestamp
    ) throws(EngineError) -> KassaV1.SnapshotStoreResponse {
        try Words.checkProse(request.actor, at: "actor")
        try Words.checkProse(request.reason, at: "reason")
        try Self.checkNewFolder(request.folder)
        let pace = try Self.pace(of: request)
        while !care.beginSnapshot() { usleep(1_000) }
        var report = KassaV1.SnapshotReport()
        report.folder = request.folder
        report.atUs = now.microseconds
        defer { care.endSnapshot(report) }
        let begun = MonotonicTime.now()
        var check = EntryCheck(reload: { [published] in published.current.features })
        var damaged: UInt64 = 0
        let manifest: SnapshotManifest
        do throws(StoreError) {
            manifest = try environment.snapshot(
                to: request.folder, files: RetreatFile.files(of: folder), at: now, pace: pace
            ) {
                table, key, value in
                if !check.accepts(table, key, value) { damaged += 1 }
                return artefacts.find(table, key, value)
            }
        } catch {
            report.failure = error.message
            throw EngineError(error)
        }
        report.durationUs = MonotonicTime.now().nanoseconds(since: begun) / 1_000
        report.byteCount = manifest.files.reduce(0) { $0 &+ $1.byteCount }
        report.sequence = manifest.sequence
        var answer = KassaV1.SnapshotStoreResponse()
        answer.folder = request.folder
        answer.sequence = manifest.sequence
        answer.entries = manifest.entries
        answer.damaged = damaged
        answer.atUs = manifest.time.microseconds
        answer.durationUs = report.durationUs
        answer.files = manifest.files.map {
            KassaV1.SnapshotFile(name: $0.name, byteCount: $0.byteCount, sha256: $0.digest)
        }
        let record = KassaStorageV1.AuditRecord(
            atUs: now.microseconds, actor: request.actor, action: "store snapshot",
            reason: request.reason, epoch: epoch,
            details: ["\(request.folder), up to write \(manifest.sequence)"])
        do throws(EngineError) {
            try run { [self] transaction, sequence in
                try note(record, sequence: sequence, in: &transaction)
            }
        } catch {
            // A store that takes no writes is the very one to be copied.
            answer.auditRefusal = error.reason
        }
        return answer
    }

    private static func pace(
        of request: KassaV1.SnapshotStoreRequest
    ) throws(EngineError) -> CopyPace {
        guard request.secondsMax <= UInt64(EngineLimits.snapshotSecondsMax) else {
            throw EngineError(
                .invalidArgument,
                "seconds_max: must be at most \(EngineLimits.snapshotSecondsMax)")
        }
        var pace = CopyPace()
        if request.bytesPerSecond > 0 { pace.bytesPerSecond = request.bytesPerSecond }
        if request.secondsMax > 0 { pace.secondsMax = request.secondsMax }
        return pace
    }

    /// Paths that a system call takes.
    private static let pathByteCountMax = 3_000

    private static func checkNewFolder(_ folder: String) throws(EngineError) {
        guard folder.hasPrefix("/"), folder.utf8.count <= pathByteCountMax,
            !folder.utf8.contains(0)
        else {
            throw EngineError(
                .invalidArgument, "folder: must be an absolute path on the server's machine")
        }
        guard !Files.exists(folder) else {
            throw EngineError(
                .alreadyExists, "folder: it is there already; nothing was changed, name another")
        }
        // What an interrupted attempt left: nobody far away shall have it removed.
        guard !Files.exists(folder + Files.temporarySuffix) else {
            throw EngineError(
                .alreadyExists,
                "folder: with \(Files.temporarySuffix) behind it, it is there already, from an attempt"
                    + " that was interrupted or is under way; remove that, or name another")
        }
    }
}

extension ArtefactFiles {
    /// The artefact that an entry of the store refers to, as a file of a snapshot.
    func find(_ table: String, _ key: Span<UInt8>, _ value: Span<UInt8>) -> SnapshotSource? {
        guard table == "bundles",
            let spec = (try? KassaStorageV1.StoredModel(decoding: value))?.info?.spec
        else { return nil }
        return SnapshotSource(
            path: path(spec.sha256), name: Self.name(spec.sha256),
            digest: hexadecimal(spec.sha256))
    }
}
