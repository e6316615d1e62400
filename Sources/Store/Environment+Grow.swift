// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import CLMDB
internal import Glibc
internal import Synchronization

/// What became of an attempt to enlarge the map.
enum MapGrowth {
    case grown
    /// Somebody reads for long, or LMDB had to be closed; it is tried again soon.
    case later
    /// It is as large as it may be, or the system gives no address space.
    case never
}

/// A larger map under running loops, when the one there is is nearly full.
///
/// LMDB maps anew where no transaction is active in the process. So readers between two turns lose their
/// transactions, those in a turn are waited for, and whoever begins one meanwhile waits for the lock, for
/// some milliseconds: no read fails. A copy of the store holds its snapshot for long; the map grows after it.
extension Environment {
    /// How long one attempt waits for readers to end their turns, and others to begin theirs.
    private static let growthPatienceNanoseconds: UInt64 = 10_000_000
    /// The time after which it is looked whether a call that uses the handle has ended.
    private static let growthPollMicroseconds: UInt32 = 200
    /// The time from a failed attempt to the next.
    private static let growthRestNanoseconds: UInt64 = 50_000_000

    /// Doubles the map, up to the largest that is configured. On the writer's thread, between its
    /// transactions.
    func growMap() -> MapGrowth {
        let now = MonotonicTime.now()
        let current = mapBytes
        guard current < mapBytesMax else { return .never }
        guard health.load(ordering: .acquiring) == .writable,
            now.nanoseconds >= nextGrowth.load(ordering: .relaxed)
        else { return .later }
        let wanted = current > mapBytesMax / 2 ? mapBytesMax : current * 2
        let end = now.advanced(byNanoseconds: Self.growthPatienceNanoseconds)
        // With the first one still mapped: LMDB unmaps it before it asks for the other.
        guard Self.hasAddressSpace(wanted) else { return .never }
        repeat {
            switch state.withLock({ $0.resize(to: wanted, until: end) }) {
            case nil: usleep(Self.growthPollMicroseconds)
            case MDB_SUCCESS:
                map.store(wanted, ordering: .relaxed)
                return .grown
            default:
                // It has no map now, and is opened anew.
                notePanic()
                return .later
            }
        } while MonotonicTime.now() < end
        nextGrowth.store(now.nanoseconds &+ Self.growthRestNanoseconds, ordering: .relaxed)
        return .later
    }

    private static func hasAddressSpace(_ byteCount: Int) -> Bool {
        let probe = unsafe mmap(
            nil, byteCount, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let probe = unsafe probe, unsafe probe != MAP_FAILED else { return false }
        unsafe munmap(probe, byteCount)
        return true
    }
}

extension OpenState {
    private static let pollMicroseconds: UInt32 = 50

    /// Gives LMDB a map of another size once nobody is in the middle of something, and returns its code; nil
    /// if somebody still is at `end`, or if a call uses the handle, which ends only without the lock.
    /// `mdb_env_set_mapsize`.
    ///
    /// The lock is held meanwhile, so that whoever ends a turn cannot begin another: under load there is no
    /// other moment at which all are between two.
    mutating func resize(to byteCount: Int, until end: MonotonicTime) -> Int32? {
        guard leases == 0, let handle = unsafe handle else { return nil }
        while true {
            var isUnused = true
            for reader in readers where !reader.slot.detachIfIdle() { isUnused = false }
            // Safe: no transaction is active, and none begins while the lock is held.
            if isUnused { return unsafe mdb_env_set_mapsize(handle, byteCount) }
            guard MonotonicTime.now() < end else { return nil }
            usleep(Self.pollMicroseconds)
        }
    }
}
