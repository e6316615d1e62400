// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc
internal import Synchronization

/// One open data directory: its tables, its readers, and the right to write to it.
///
/// It closes when the last reference to it goes: every transaction and the writer hold one. When LMDB
/// gives up (MDB_PANIC), the writer's thread closes and opens it again in place.
@safe package final class Environment: Sendable {
    /// Whether the store takes writes.
    enum Health: UInt8, AtomicRepresentable {
        case writable
        case readOnly
        case panicked
    }

    /// The newest format of a data directory that this release reads and writes.
    package static let formatVersion: UInt64 = 1

    /// The data directory.
    package let path: String
    /// The bytes of address space that the data may take now.
    package var mapBytes: Int { map.load(ordering: .relaxed) }
    /// Places where a harness may make the write path fail.
    package let faults = FaultPoints()
    /// The store's own table: format version and write sequence, under keys that begin `store.`.
    ///
    /// Others may keep their cursors and epochs here under keys of their own.
    package let meta: Table

    /// LMDB's handle and its users. The lock is for control work: a turn of a loop never takes it.
    let state: Mutex<OpenState>
    /// The handle for the writer's thread, the only one that closes it.
    // Safe: written in init and on the writer's thread, read only there and in deinit.
    nonisolated(unsafe) var writerHandle: OpaquePointer
    let map: Atomic<Int>
    /// What it may grow to.
    let mapBytesMax: Int
    /// When it may be tried to grow again, in monotonic nanoseconds.
    let nextGrowth = Atomic<UInt64>(0)
    let definitions: [TableDefinition]
    let tables: [String: Table]
    let readersMax: Int
    let health = Atomic<Health>(.writable)
    let hasWriter = Atomic<Bool>(false)
    let dataDescriptor: Atomic<Int32>
    let note: SequenceNote
    /// Whether a snapshot or a compact copy is being made.
    let isCopying = Atomic<Bool>(false)
    /// The file that such a copy goes to, and whether it is to be given up.
    let copyTarget = Mutex(CopyTarget())
    /// Copies that were given up because they cost too much.
    let copiesTooCostly = Atomic<UInt64>(0)
    let diskFreePercentMin: UInt64
    let isDiskNearlyFull = Atomic<Bool>(false)
    /// When the disk was last measured, in monotonic nanoseconds.
    let diskMeasured = Atomic<UInt64>(0)
    let staleReaders = Atomic<UInt64>(0)
    /// When stale readers were last freed, in monotonic nanoseconds.
    let staleReadersFreed = Atomic<UInt64>(0)
    /// When LMDB last gave up, in monotonic nanoseconds.
    let panicked = Atomic<UInt64>(0)
    /// The time from each giving up to the opening after it, all together.
    let outageNanoseconds = Atomic<UInt64>(0)
    /// How often LMDB was closed and opened again.
    let reopens = Atomic<UInt64>(0)
    let pageBytes: UInt64
    /// The length of the data file as the writer last made it.
    let fileBytes = Atomic<UInt64>(0)
    let lock: DirectoryLock

    /// Opens the store in the directory `path`, and makes both if they are not there.
    ///
    /// Refuses a directory that is open elsewhere, a data file that is cut or foreign, and one of a
    /// newer release. `tables` are made if they are missing; no table can be added later.
    package init(
        at path: String,
        tables definitions: [TableDefinition],
        configuration: EnvironmentConfiguration = EnvironmentConfiguration()
    ) throws(StoreError) {
        precondition(definitions.count < Limits.tablesMax)
        precondition(!definitions.contains { $0.name == "meta" })
        precondition(Set(definitions.map(\.name)).count == definitions.count)
        precondition(configuration.mapBytes > 0 && configuration.mapBytes < 1 << 56)
        precondition(configuration.mapBytesMax >= 0 && configuration.mapBytesMax < 1 << 56)
        try SystemCall.makeDirectory(path: path)
        let lock = try DirectoryLock(path: path)
        let header = try DataFileHeader.check(path: path + "/data.mdb")
        let wantedMapBytes = max(configuration.mapBytes, header?.leastMapBytes ?? 0)
        // LMDB wants whole pages of the system; no page is larger than 64 KiB.
        let mapBytes = wantedMapBytes &+ 65_535 & ~65_535
        let definitions = [TableDefinition(name: "meta")] + definitions
        let note = SequenceNote(directory: path)
        let noted = note.read() ?? 0
        if header == nil {
            guard noted == 0 else { throw .olderCopy(path: path, sequence: 0, noted: noted) }
            try OpenedEnvironment.create(path: path, mapBytes: mapBytes, tables: definitions)
        }
        let opened = try OpenedEnvironment(
            path: path, mapBytes: mapBytes, readersMax: configuration.readersMax,
            tables: definitions)
        guard noted <= opened.sequence else {
            unsafe mdb_env_close(opened.handle)
            throw .olderCopy(path: path, sequence: opened.sequence, noted: noted)
        }
        self.note = note
        self.lock = lock
        self.path = path
        map = Atomic(mapBytes)
        mapBytesMax = max(mapBytes, configuration.mapBytesMax &+ 65_535 & ~65_535)
        self.definitions = definitions
        readersMax = configuration.readersMax
        diskFreePercentMin = configuration.diskFreePercentMin
        tables = opened.tables
        meta = opened.tables["meta"]!
        dataDescriptor = Atomic(opened.dataDescriptor)
        pageBytes = opened.pageBytes
        unsafe writerHandle = opened.handle
        state = Mutex(unsafe OpenState(handle: opened.handle))
    }

    deinit {
        let isClosed = state.withLock { $0.closeIfUnused() }
        precondition(isClosed, "an environment outlives its transactions")
    }

    /// The table `name` that was named at open; to be asked for once, at start.
    package func table(_ name: String) -> Table {
        guard let table = tables[name] else {
            preconditionFailure("table \(name) was not named at open")
        }
        return table
    }

    /// Frees the slots of readers whose process is gone, and returns how many. `mdb_reader_check`.
    @discardableResult
    package func freeStaleReaders() -> Int {
        var count: Int32 = 0
        // Safe: the pointer is to a local. A store that is closed at the moment has no readers.
        let code = try? unsafe lend { unsafe mdb_reader_check($0, &count) }
        guard code == MDB_SUCCESS && count > 0 else { return 0 }
        staleReaders.wrappingAdd(UInt64(count), ordering: .relaxed)
        return Int(count)
    }

    /// Why no write is possible now; nil, if one is.
    package var writeRefusal: StoreError? {
        switch health.load(ordering: .acquiring) {
        case .writable: nil
        case .readOnly: .readOnlyLatched
        case .panicked: .panicked
        }
    }
}
