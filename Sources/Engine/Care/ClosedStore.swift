// SPDX-License-Identifier: Apache-2.0

package import API
internal import Base
internal import Store

/// A data folder that no server has open: looked through, brought back from a snapshot, made smaller.
///
/// Every call takes the folder's lock, and refuses when a server holds it.
package enum ClosedStore {
    /// Looks at every entry and every artefact. The data file is only read.
    package static func verify(_ folder: String) throws(EngineError) -> KassaV1.ScanReport {
        var report = KassaV1.ScanReport(
            wasAskedFor: true, startedAtUs: Timestamp.now().microseconds)
        var check = EntryCheck()
        do throws(StoreError) {
            let found = try Environment.inspect(folder, first: "resources") { table, key, value in
                check.accepts(table, key, value)
            }
            let artefacts = ArtefactFiles(existing: "\(folder)/bundles")
            report.finish(
                found, artefacts: artefacts.problems(of: check.models),
                at: Timestamp.now().microseconds)
        } catch {
            throw EngineError(error)
        }
        report.entriesExpected = report.entries
        return report
    }

    /// Makes the data folder `target` out of a snapshot, whole or not at all.
    package static func restore(
        _ snapshot: String, to target: String
    ) throws(EngineError) -> KassaV1.SnapshotStoreResponse {
        let begun = MonotonicTime.now()
        do throws(StoreError) {
            let manifest = try Snapshot.restore(snapshot, to: target)
            return KassaV1.SnapshotStoreResponse(
                folder: target, sequence: manifest.sequence, entries: manifest.entries,
                atUs: manifest.time.microseconds,
                durationUs: MonotonicTime.now().nanoseconds(since: begun) / 1_000,
                files: manifest.files.map {
                    KassaV1.SnapshotFile(
                        name: $0.name, byteCount: $0.byteCount, sha256: $0.digest)
                })
        } catch {
            throw EngineError(error)
        }
    }

    /// Copies the store in `folder` to the new folder `target`, without its free pages.
    ///
    /// - Returns: the bytes of the data's pages before and after.
    package static func compact(
        _ folder: String, to target: String
    ) throws(EngineError) -> (before: UInt64, after: UInt64) {
        do throws(StoreError) {
            // What is not there must not be made by opening it.
            try Environment.checkExists(folder)
            let environment = try Environment(at: folder, tables: EngineTables.definitions)
            let sizes = try environment.statistics()
            // Nobody writes meanwhile, so that nothing grows.
            var pace = CopyPace()
            pace.secondsMax = nil
            let after = try environment.compact(
                to: target, files: RetreatFile.files(of: folder), pace: pace,
                find: ArtefactFiles(existing: "\(folder)/bundles").find)
            return (sizes.usedPages * sizes.pageBytes, after)
        } catch {
            throw EngineError(error)
        }
    }
}
