// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import Store

struct EnvironmentTests {
    let directory = TemporaryDirectory()

    @Test func `what was written is there after closing and opening again`() throws {
        try write("A")
        let environment = try directory.open()
        #expect(try environment.copy("A", in: environment.table("rows")) == [1])
    }

    @Test func `a table can be added when the store is opened again`() throws {
        try write("A")
        let environment = try directory.open(tables: [.any("rows"), .any("audit")])
        #expect(try environment.copy("A", in: environment.table("audit")) == nil)
        #expect(try environment.copy("A", in: environment.table("rows")) == [1])
    }

    @Test func `a second open in this process is refused until the first is closed`() throws {
        do {
            let first = try directory.open()
            let error = storeError { () throws(StoreError) in _ = try directory.open() }
            #expect(error == .alreadyOpen(path: directory.store))
            _ = first.path
        }
        _ = try directory.open()
    }

    @Test func `a second path to the same directory is refused too`() throws {
        let first = try directory.open()
        let error = storeError { () throws(StoreError) in
            _ = try Environment(at: directory.store + "/../store", tables: [])
        }
        #expect(error == .alreadyOpen(path: directory.store + "/../store"))
        _ = first.path
    }

    @Test func `a directory that another process holds is refused, naming the process`() throws {
        try write("A")
        let holder = LockHolder(file: directory.store + "/lock")
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        #expect(
            error == .lockedByAnotherProcess(path: directory.store, processID: holder.processID))
        holder.end()
        _ = try directory.open()
    }

    @Test func `a newer format is refused and left alone`() throws {
        do {
            let environment = try directory.open()
            let writer = try Writer(environment: environment)
            let meta = environment.meta
            try writer.run { transaction, _ in
                try transaction.put(Environment.formatVersion + 1, .format, in: meta)
            }
        }
        for _ in 0..<2 {
            let error = storeError { () throws(StoreError) in _ = try directory.open() }
            #expect(
                error
                    == .newerFormat(
                        path: directory.store, found: Environment.formatVersion + 1,
                        supported: Environment.formatVersion))
        }
    }

    @Test func `a truncated file is refused`() throws {
        let expected = try fill()
        unsafe truncate(directory.store + "/data.mdb", Int(expected) - 1)
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        #expect(
            error
                == .truncated(
                    path: directory.store + "/data.mdb", byteCount: expected - 1,
                    expectedByteCount: expected))
    }

    @Test func `a file that ends with its last page opens`() throws {
        let expected = try fill()
        unsafe truncate(directory.store + "/data.mdb", Int(expected))
        let environment = try directory.open()
        #expect(try environment.statistics().tables.first { $0.name == "rows" }?.entries == 1_000)
    }

    @Test(arguments: [1, 151, 4_096, 4_247])
    func `a file too short for its meta pages is refused`(length: Int) throws {
        _ = try fill()
        unsafe truncate(directory.store + "/data.mdb", length)
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        #expect(
            error
                == .foreignFile(
                    path: directory.store + "/data.mdb",
                    reason: "it is too short to hold two meta pages"))
    }

    @Test func `an empty file is a new store`() throws {
        unsafe mkdir(directory.store, 0o700)
        writeFile([], to: directory.store + "/data.mdb")
        let environment = try directory.open()
        #expect(try environment.statistics().tables.first { $0.name == "rows" }?.entries == 0)
        #expect(names(in: directory.store) == ["data.mdb", "lock", "lock.mdb"])
    }

    /// Offset in the file, byte to write there, and what the refusal says.
    @Test(arguments: [
        (0, 10, [0], "a meta page is missing or damaged"),
        (0, 44, [4], "its list of free pages is impossible"),
        (0, 151, [0x80], "its transaction number is impossible"),
        (1, 151, [0x80], "its transaction number is impossible"),
        (0, 16, [0], "a meta page is missing or damaged"),
        (1, 16, [0], "a meta page is missing or damaged"),
        (1, 20, [9], "it was written by another version of LMDB"),
        (0, 40, [0, 0, 0, 0], "its page size is impossible"),
        (0, 40, [1, 16, 0, 0], "its page size is impossible"),
        (0, 92, [4], "its table of names is impossible"),
    ])
    func `a foreign or damaged file is refused`(
        page: Int, offset: Int, bytes: [UInt8], reason: String
    ) throws {
        _ = try fill()
        try overwrite(bytes, at: page * 4_096 + offset)
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        #expect(error == .foreignFile(path: directory.store + "/data.mdb", reason: reason))
    }

    @Test func `a root outside the file is refused in the newer meta page only`() throws {
        _ = try fill()
        let header = try #require(try DataFileHeader.check(path: directory.store + "/data.mdb"))
        let newer = Int(header.transactionID & 1)
        try overwrite([255, 255, 255, 255, 0], at: (1 - newer) * 4_096 + 128)
        #expect(try DataFileHeader.check(path: directory.store + "/data.mdb") != nil)
        try overwrite([255, 255, 255, 255, 0], at: newer * 4_096 + 128)
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        let reason = "its table of names lies outside the file"
        #expect(error == .foreignFile(path: directory.store + "/data.mdb", reason: reason))
    }

    @Test func `an impossible last page is refused`() throws {
        _ = try fill()
        let huge = [UInt8](repeating: 255, count: 16)
        try overwrite(huge, at: 136)
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        let reason = "its meta page names an impossible last page"
        #expect(error == .foreignFile(path: directory.store + "/data.mdb", reason: reason))
    }

    @Test func `a text file in the place of the data is refused`() throws {
        _ = try fill()
        unsafe truncate(directory.store + "/data.mdb", 0)
        try overwrite([UInt8](repeating: 0x61, count: 10_000), at: 0)
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        let reason = "a meta page is missing or damaged"
        #expect(error == .foreignFile(path: directory.store + "/data.mdb", reason: reason))
    }

    @Test func `a path that is a file, or below one, is refused`() throws {
        let file = directory.path + "/file"
        close(unsafe open(file, O_CREAT | O_WRONLY, 0o600))
        for path in [file, file + "/store"] {
            let error = storeError { () throws(StoreError) in
                _ = try Environment(at: path, tables: [])
            }
            #expect(error == .notADirectory(path: path))
        }
    }

    @Test func `a path without a parent is refused`() {
        let path = directory.path + "/missing/store"
        let error = storeError { () throws(StoreError) in
            _ = try Environment(at: path, tables: [])
        }
        #expect(error == .noParentDirectory(path: path))
    }

    @Test func `a read-only filesystem is named as such`() {
        let error = storeError { () throws(StoreError) in
            _ = try Environment(at: "/proc/sys/kassa", tables: [])
        }
        #expect(error != nil)
        #expect(SystemCall.failure(EROFS, path: "p", call: "c") == .readOnlyFilesystem(path: "p"))
        #expect(SystemCall.failure(EACCES, path: "p", call: "c") == .permissionDenied(path: "p"))
    }

    @Test func `a map larger than the address space is refused`() {
        let error = storeError { () throws(StoreError) in
            _ = try directory.open(mapBytes: 1 << 50)
        }
        #expect(error == .noAddressSpace(mapBytes: 1 << 50))
    }

    @Test func `a map smaller than the file is made as large as it needs`() throws {
        let expected = try fill()
        let environment = try directory.open(mapBytes: 4_096)
        #expect(environment.mapBytes >= Int(expected))
        #expect(try environment.statistics().tables.first { $0.name == "rows" }?.entries == 1_000)
    }

    @Test func `a data file older than the noted sequence is refused, until the note is gone`()
        throws
    {
        do {
            let environment = try directory.open()
            let writer = try Writer(environment: environment)
            let command = TestCommand(environment.table("rows"), key: "A")
            try writer.submit(command)
            #expect(command.result == .committed(sequence: 1, .fast))
        }
        let note = SequenceNote(directory: directory.store)
        #expect(note.read() == 1)
        note.write(12_345)
        #expect(note.read() == 12_345)
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        #expect(error == .olderCopy(path: directory.store, sequence: 1, noted: 12_345))
        note.write(1)
        #expect(note.read() == 1)
        _ = try directory.open()
        for damaged in ["", "7", "12345 1", "x y", "99999999999999999999999 1"] {
            writeFile(Array(damaged.utf8), to: note.path)
            #expect(note.read() == nil)
            _ = try directory.open()
        }
    }

    @Test(arguments: [true, false]) func `a data file that was emptied or deleted is missed`(
        isDeleted: Bool
    ) throws {
        try write("A")
        let path = directory.store + "/data.mdb"
        if isDeleted { unsafe unlink(path) } else { unsafe truncate(path, 0) }
        let error = storeError { () throws(StoreError) in _ = try directory.open() }
        #expect(error == .olderCopy(path: directory.store, sequence: 0, noted: 1))
        #expect(contents(path).isEmpty)
        unsafe unlink(directory.store + "/sequence")
        _ = try directory.open()
    }

    @Test func `an impossible write sequence is refused`() throws {
        let environment = try directory.open()
        var transaction = try environment.beginWrite()
        try transaction.put(.max, .sequence, in: environment.meta)
        try environment.commit(transaction)
        let error = storeError { () throws(StoreError) in _ = try Writer(environment: environment) }
        let reason = "its write sequence is impossible"
        #expect(error == .foreignFile(path: directory.store + "/data.mdb", reason: reason))
    }

    @Test func `one reader more than the configuration allows is refused`() throws {
        let environment = try directory.open(readersMax: 2)
        let first = try environment.makeReadTransaction()
        do {
            let second = try environment.makeReadTransaction()
            let error = storeError { () throws(StoreError) in
                _ = try environment.makeReadTransaction()
            }
            #expect(error == .readersFull)
            let isActive = second.isActive
            #expect(isActive)
        }
        _ = try environment.makeReadTransaction()
        let isActive = first.isActive
        #expect(isActive)
    }

    @Test func `statistics count pages, entries and the lag of the oldest reader`() throws {
        let environment = try directory.open(mapBytes: 1 << 24)
        let writer = try Writer(environment: environment)
        let rows = environment.table("rows")
        var reader = try environment.makeReadTransaction()
        for key in UInt8(65)...70 {
            try writer.run { transaction, _ in
                try transaction.put([key].span, forKey: [key].span, in: rows)
            }
        }
        let lagging = try environment.statistics()
        #expect(lagging.readerLag == 6)
        #expect(lagging.mapPages == 4_096)
        #expect(lagging.pageBytes == 4_096)
        #expect(lagging.usedPages > 6)
        #expect(lagging.freePages > 0)
        #expect(lagging.tables.map(\.name) == ["aligned", "meta", "rows"])
        #expect(lagging.tables.map(\.entries) == [0, 2, 6])
        #expect(lagging.tables.map(\.pages) == [0, 1, 1])
        reader.reset()
        let current = try environment.statistics()
        #expect(current.readerLag == 0)
        #expect(current.lastTransactionID == lagging.lastTransactionID)
    }

    @Test func `every error says something to a person`() {
        let errors: [StoreError] = [
            .notADirectory(path: "p"), .noParentDirectory(path: "p"),
            .permissionDenied(path: "p"), .readOnlyFilesystem(path: "p"),
            .lockedByAnotherProcess(path: "p", processID: 7), .alreadyOpen(path: "p"),
            .truncated(path: "p", byteCount: 1, expectedByteCount: 2),
            .foreignFile(path: "p", reason: "r"), .newerFormat(path: "p", found: 2, supported: 1),
            .noAddressSpace(mapBytes: 1), .olderCopy(path: "p", sequence: 1, noted: 2),
            .alreadyExists(path: "p"), .badSnapshot(path: "p", reason: "r"), .copyInProgress,
            .keyLength(0), .valueTooLarge(1), .unalignedLength(1), .readersFull, .noSnapshot,
            .mapFull,
            .diskFull, .damaged(.corrupted), .writeFailed(errno: 5), .readOnlyLatched, .panicked,
            .unexpected(.badTransaction, call: "c"), .queueFull, .commandTooLarge, .stopped,
            .rejected,
        ]
        #expect(Set(errors.map(\.message)).count == errors.count)
        #expect(!errors.contains { $0.message.hasPrefix("The store could not be opened") })
    }

    // MARK: - Setting up

    private func write(_ key: String) throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        try writer.run { transaction, _ in
            try transaction.put([1].span, forKey: Array(key.utf8).span, in: rows)
        }
    }

    /// Fills a store and closes it; returns the bytes that its header speaks of.
    private func fill() throws -> UInt64 {
        do {
            let environment = try directory.open()
            let rows = environment.table("rows")
            let writer = try Writer(environment: environment)
            try writer.run { transaction, _ in
                for number in 0..<1_000 {
                    try transaction.put(
                        [UInt8](repeating: 1, count: 100).span,
                        forKey: Array("\(number)".utf8).span, in: rows)
                }
            }
        }
        let header = try DataFileHeader.check(path: directory.store + "/data.mdb")
        let found = try #require(header)
        return (found.lastPage + 1) * found.pageBytes
    }

    private func overwrite(_ bytes: [UInt8], at offset: Int) throws {
        let descriptor = unsafe open(directory.store + "/data.mdb", O_WRONLY)
        try #require(descriptor >= 0)
        #expect(unsafe pwrite(descriptor, bytes, bytes.count, offset) == bytes.count)
        close(descriptor)
    }
}
