// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLMDB
internal import Synchronization

/// What the writer's thread looks after beside writing.
extension Environment {
    private static let diskNanoseconds: UInt64 = 100_000_000
    private static let staleReadersNanoseconds: UInt64 = 10_000_000_000

    /// Measures the disk, watches the readers' ages, and frees stale readers every 10 s.
    func keepHouse(now: MonotonicTime) {
        measureDisk()
        _ = state.withLock { $0.oldestTurnNanoseconds(now: now) }
        let last = staleReadersFreed.load(ordering: .relaxed)
        guard now.nanoseconds &- last >= Self.staleReadersNanoseconds else { return }
        staleReadersFreed.store(now.nanoseconds, ordering: .relaxed)
        freeStaleReaders()
    }

    /// Measures the free disk space, if that was not done in the last 100 ms.
    func measureDisk() {
        let now = MonotonicTime.now().nanoseconds
        guard now &- diskMeasured.load(ordering: .relaxed) >= Self.diskNanoseconds else { return }
        diskMeasured.store(now, ordering: .relaxed)
        let disk = diskSpace()
        let isNearlyFull =
            disk.totalBytes > 0
            && disk.freeBytes / 100 < disk.totalBytes / 10_000 * diskFreePercentMin
        isDiskNearlyFull.store(isNearlyFull, ordering: .relaxed)
    }

    /// What the filesystem has and takes; zeros if it does not say.
    func diskSpace() -> DiskSpace {
        SystemCall.diskSpace(descriptor: lock.descriptor)
            ?? DiskSpace(freeBytes: 0, totalBytes: 0)
    }
}
