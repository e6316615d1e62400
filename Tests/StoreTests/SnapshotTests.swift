// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Synchronization
import Testing

@testable import Store

struct SnapshotTests {
    let directory = TemporaryDirectory()

    private var folder: String { directory.path + "/snapshot" }
    private var restored: String { directory.path + "/restored" }

    private func reason(_ body: () throws(StoreError) -> Void) -> String? {
        if case .badSnapshot(_, let reason) = storeError(body) { reason } else { nil }
    }

    /// A snapshot of 200 rows of 1,000 bytes, with one file beside them.
    private func makeSnapshot() throws -> SnapshotManifest {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        for number in 0..<200 {
            let command = TestCommand(
                rows,
                steps: [.put(key: "\(number)", value: [UInt8](repeating: 7, count: 1_000))])
            try writer.submit(command)
            if number == 199 { #expect(command.result == .committed(sequence: 200, .fast)) }
        }
        writeFile(Array("model".utf8), to: directory.path + "/file")
        return try environment.snapshot(
            to: folder,
            files: [SnapshotSource(path: directory.path + "/file", name: "bundles/model.1")],
            at: Timestamp(microseconds: 1_234))
    }

    @Test func `a snapshot verifies, and its restored copy holds everything`() throws {
        let manifest = try makeSnapshot()
        #expect(manifest.sequence == 200)
        #expect(manifest.time.microseconds == 1_234)
        #expect(manifest.files.map(\.name) == ["data.mdb", "bundles/model.1"])
        #expect(
            manifest.files[1].digest
                == "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4")
        #expect(try Snapshot.verify(folder) == manifest)
        #expect(names(in: folder) == ["MANIFEST", "bundles", "data.mdb"])
        #expect(try Snapshot.restore(folder, to: restored) == manifest)
        #expect(names(in: restored) == ["bundles", "data.mdb"])
        #expect(contents(restored + "/bundles/model.1") == Array("model".utf8))
        let environment = try Environment(at: restored, tables: [.any("rows")])
        #expect(try environment.statistics().tables.last?.entries == 200)
        let writer = try Writer(environment: environment)
        let command = TestCommand(environment.table("rows"), key: "next")
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 201, .fast))
    }

    @Test(arguments: [false, true])
    func `an optional file is in a snapshot if it is there behind the data`(_ isThere: Bool) throws
    {
        let environment = try directory.open()
        let path = directory.path + "/note"
        if !isThere { writeFile([1], to: path) }
        let file = SnapshotSource(path: path, name: "note", isOptional: true)
        // It is made, or goes, while the data is copied.
        let writer = try Writer(environment: environment)
        let command = TestCommand(environment.table("rows"), key: "row")
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 1, .fast))
        let manifest = try environment.snapshot(to: folder, files: [file]) { _, _, _ in
            if isThere { writeFile([2], to: path) } else { _ = unsafe unlink(path) }
            return nil
        }
        #expect(manifest.files.map(\.name) == ["data.mdb"] + (isThere ? ["note"] : []))
        #expect(try Snapshot.verify(folder) == manifest)
        #expect(names(in: folder) == ["MANIFEST", "data.mdb"] + (isThere ? ["note"] : []))
    }

    @Test func `a snapshot takes the files that its own entries name, each once`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        for number in 0..<3 {
            let command = TestCommand(rows, key: "\(number)")
            try writer.submit(command)
            if number == 2 { #expect(command.result == .committed(sequence: 3, .fast)) }
        }
        writeFile(Array("model".utf8), to: directory.path + "/file")
        let manifest = try environment.snapshot(to: folder) { table, key, _ in
            guard table == "rows", key[0] != 0x30 else { return nil }
            return SnapshotSource(path: directory.path + "/file", name: "bundles/model")
        }
        #expect(manifest.files.map(\.name) == ["data.mdb", "bundles/model"])
        #expect(try Snapshot.verify(folder) == manifest)
        let unsafe = reason { () throws(StoreError) in
            _ = try environment.snapshot(to: restored) { _, _, _ in
                SnapshotSource(path: directory.path + "/file", name: "../model")
            }
        }
        #expect(unsafe?.contains("../model") == true)
        #expect(names(in: restored).isEmpty)
    }

    @Test func `copies that are cancelled leave nothing behind`() throws {
        let environment = try directory.open()
        environment.cancelCopies()
        #expect(
            storeError { () throws(StoreError) in _ = try environment.snapshot(to: folder) }
                == .copyCancelled)
        #expect(
            storeError { () throws(StoreError) in _ = try environment.compact(to: folder) }
                == .copyCancelled)
        #expect(names(in: folder).isEmpty)
        #expect(names(in: folder + ".partial").isEmpty)
    }

    @Test func `a closed directory is lent entry by entry, and an open one is refused`() throws {
        _ = try makeSnapshot()
        let path = try directory.open().path
        var tables: [String] = []
        let found = try Environment.inspect(path, first: "rows") { table, key, _ in
            if tables.last != table { tables.append(table) }
            return table != "rows" || key[0] != 0x37
        }
        #expect(tables.first == "rows")
        let rows = found.tables.first { $0.name == "rows" }
        #expect(rows?.entries == 200)
        // 7, and 70 to 79.
        #expect(rows?.refused == 11)
        #expect(rows?.refusedKeys.first == Array("7".utf8))
        #expect(!found.isSound)
        let environment = try directory.open()
        let refusal = storeError { () throws(StoreError) in
            _ = try Environment.inspect(path) { _, _, _ in true }
        }
        #expect(refusal == .alreadyOpen(path: environment.path))
        let missing = storeError { () throws(StoreError) in
            _ = try Environment.inspect(path + "-none") { _, _, _ in true }
        }
        guard case .foreignFile = missing else {
            Issue.record("\(String(describing: missing))")
            return
        }
    }

    @Test func `a snapshot taken under writes holds whole groups up to its sequence`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let isDone = Atomic<Bool>(false)
        let thread = Thread(name: "load") {
            var number = 0
            while !isDone.load(ordering: .relaxed) {
                number += 1
                let value = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 300)
                let steps: [TestCommand.Step] = [
                    .put(key: "a\(number)", value: value), .put(key: "b\(number)", value: value),
                ]
                try? writer.submit(TestCommand(rows, steps: steps))
                usleep(50)
            }
        }
        var sequences: [UInt64] = []
        for number in 0..<5 {
            usleep(20_000)
            let path = "\(folder)-\(number)"
            let manifest = try environment.snapshot(to: path)
            sequences.append(manifest.sequence)
            #expect(try Snapshot.restore(path, to: "\(restored)-\(number)") == manifest)
            let copy = try Environment(at: "\(restored)-\(number)", tables: [.any("rows")])
            #expect(try copy.statistics().tables.last?.entries == 2 * manifest.sequence)
        }
        isDone.store(true, ordering: .relaxed)
        thread.join()
        #expect(sequences == sequences.sorted())
        #expect(sequences.last! > sequences.first!)
    }

    @Test func `nothing is overwritten, and an interrupted attempt is replaced`() throws {
        let manifest = try makeSnapshot()
        let environment = try directory.open()
        #expect(
            storeError { () throws(StoreError) in _ = try environment.snapshot(to: folder) }
                == .alreadyExists(path: folder))
        #expect(try Snapshot.verify(folder) == manifest)
        #expect(
            storeError { () throws(StoreError) in
                _ = try Snapshot.restore(folder, to: directory.store)
            } == .alreadyExists(path: directory.store))
        unsafe mkdir(folder + "-2.partial", 0o700)
        writeFile([1, 2, 3], to: folder + "-2.partial/data.mdb")
        _ = try environment.snapshot(to: folder + "-2")
        _ = try Snapshot.verify(folder + "-2")
        #expect(
            storeError { () throws(StoreError) in
                _ = try environment.snapshot(to: directory.path + "/no/such")
            } == .noParentDirectory(path: directory.path + "/no/such"))
        #expect(!names(in: directory.path).contains { $0.hasSuffix(".partial") })
    }

    @Test func `a missing file of the caller fails the snapshot and leaves nothing`() throws {
        let environment = try directory.open()
        let missing = SnapshotSource(path: directory.path + "/missing", name: "missing")
        #expect(
            storeError { () throws(StoreError) in
                _ = try environment.snapshot(to: folder, files: [missing])
            } != nil)
        #expect(names(in: directory.path) == ["store"])
    }

    @Test(arguments: ["", "/etc/passwd", "../up", "a/../b", "a b", "MANIFEST", "data.mdb", "a//b"])
    func `a file name that leaves the folder or the line is refused`(name: String) throws {
        let environment = try directory.open()
        writeFile([1], to: directory.path + "/file")
        let source = SnapshotSource(path: directory.path + "/file", name: name)
        #expect(
            reason { () throws(StoreError) in
                _ = try environment.snapshot(to: folder, files: [source])
            } == "a file cannot be called \(name)")
    }

    @Test func `every single changed byte of the manifest or of a file is noticed`() throws {
        _ = try makeSnapshot()
        var generator = SeededGenerator(seed: 7)
        for name in ["MANIFEST", "bundles/model.1", "data.mdb"] {
            let path = "\(folder)/\(name)"
            let whole = contents(path)
            for _ in 0..<(name == "MANIFEST" ? 200 : 10) {
                var bytes = whole
                let bit = Int(generator.next() % UInt64(8 * whole.count))
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                writeFile(bytes, to: path)
                let error = storeError { () throws(StoreError) in _ = try Snapshot.verify(folder) }
                #expect(error != nil, "bit \(bit) of \(name)")
                #expect(
                    storeError { () throws(StoreError) in
                        _ = try Snapshot.restore(folder, to: restored)
                    } == error)
            }
            writeFile(whole, to: path)
        }
        #expect(names(in: directory.path) == ["file", "snapshot", "store"])
        _ = try Snapshot.verify(folder)
    }

    @Test func `a cut or missing file, and a folder that is no snapshot, are refused`() throws {
        _ = try makeSnapshot()
        let data = contents(folder + "/data.mdb")
        writeFile(Array(data.dropLast(4_096)), to: folder + "/data.mdb")
        #expect(
            reason { () throws(StoreError) in _ = try Snapshot.verify(folder) }
                == "data.mdb has \(data.count - 4_096) bytes, not \(data.count)")
        unsafe unlink(folder + "/data.mdb")
        #expect(storeError { () throws(StoreError) in _ = try Snapshot.verify(folder) } != nil)
        writeFile(data, to: folder + "/data.mdb")
        let manifest = contents(folder + "/MANIFEST")
        for count in [0, 1, manifest.count / 2, manifest.count - 1] {
            writeFile(Array(manifest.prefix(count)), to: folder + "/MANIFEST")
            #expect(
                reason { () throws(StoreError) in _ = try Snapshot.verify(folder) }
                    == "its manifest is foreign, cut or changed")
        }
        #expect(
            reason { () throws(StoreError) in _ = try Snapshot.verify(directory.store) }
                == "it has no manifest that can be read")
    }

    @Test func `a data file that the manifest does not describe is refused though the hash fits`()
        throws
    {
        var manifest = try makeSnapshot()
        manifest.sequence += 1
        writeFile(Array(manifest.text.utf8), to: folder + "/MANIFEST")
        #expect(
            reason { () throws(StoreError) in _ = try Snapshot.verify(folder) }
                == "its data is not what its manifest says")
    }

    @Test(arguments: [(40, [0, 0, 0, 0]), (92, [4]), (16, [0])] as [(Int, [UInt8])])
    func `a hostile data file is refused before LMDB sees it though the hash fits`(
        offset: Int, bytes: [UInt8]
    ) throws {
        var manifest = try makeSnapshot()
        var data = contents(folder + "/data.mdb")
        for page in [0, 4_096] {
            data.replaceSubrange((page + offset)..<(page + offset + bytes.count), with: bytes)
        }
        writeFile(data, to: folder + "/data.mdb")
        let found = try FolderInTheMaking.digest(folder + "/data.mdb", name: "data.mdb") {
            (_) throws(StoreError) in
        }
        manifest.files[0] = found
        writeFile(Array(manifest.text.utf8), to: folder + "/MANIFEST")
        let error = storeError { () throws(StoreError) in
            _ = try Snapshot.restore(folder, to: restored)
        }
        guard case .foreignFile = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!names(in: directory.path).contains("restored"))
    }

    @Test func `a compact copy is a data directory as small as its entries`() throws {
        let environment = try directory.open()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        for round in 0..<2 {
            for number in 0..<500 {
                try writer.run { transaction, _ in
                    let key = Array("\(number)".utf8)
                    if round == 0 {
                        try transaction.put(
                            [UInt8](repeating: 1, count: 4_000).span, forKey: key.span, in: rows)
                    } else if number > 0 {
                        try transaction.delete(key.span, in: rows)
                    }
                }
            }
        }
        let bytes = try environment.compact(to: restored)
        let used = try environment.statistics().usedPages * 4_096
        #expect(bytes < used / 20)
        let copy = try Environment(at: restored, tables: [.any("rows"), .eightAligned("aligned")])
        #expect(try copy.copy("0", in: copy.table("rows"))?.count == 4_000)
        #expect(try copy.statistics().tables.last?.entries == 1)
    }
}
