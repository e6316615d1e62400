// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Synchronization

@testable import Store

/// A directory of its own for one test, removed with everything in it at the end.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/kassa-store-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe String(cString: mkdtemp(buffer.baseAddress!))
        }
        path = made
    }

    deinit {
        removeTree(path)
    }

    /// The data directory inside; made by the store.
    var store: String { path + "/store" }

    func open(
        tables: [TableDefinition] = [.any("rows"), .eightAligned("aligned")],
        mapBytes: Int = 1 << 30, readersMax: Int = 32
    ) throws(StoreError) -> Environment {
        try Environment(
            at: store, tables: tables,
            configuration: EnvironmentConfiguration(mapBytes: mapBytes, readersMax: readersMax))
    }
}

/// A command of a test: puts, then perhaps throws; remembers how it ended.
final class TestCommand: WriteCommand {
    enum Step: Sendable {
        case put(key: String, value: [UInt8])
        case fail(StoreError)
        /// Blocks the writer until the gate opens.
        case wait(Gate)
    }

    let durability: Durability
    let recordCount: Int
    let byteCount: Int
    let table: Table
    let steps: [Step]
    let applications = Atomic<Int>(0)
    private let outcome = Mutex<WriteOutcome?>(nil)
    private let done = Gate()

    init(
        _ table: Table, _ durability: Durability = .fast, records: Int = 1, bytes: Int = 16,
        steps: [Step]
    ) {
        self.table = table
        self.durability = durability
        self.steps = steps
        recordCount = records
        byteCount = bytes
    }

    convenience init(_ table: Table, _ durability: Durability = .fast, key: String) {
        self.init(table, durability, steps: [.put(key: key, value: Array("value".utf8))])
    }

    func apply(in transaction: inout WriteTransaction, sequence: UInt64) throws(StoreError) {
        applications.add(1, ordering: .relaxed)
        for step in steps {
            switch step {
            case .put(let key, let value):
                try transaction.put(value.span, forKey: Array(key.utf8).span, in: table)
            case .fail(let error): throw error
            case .wait(let gate): gate.wait()
            }
        }
    }

    func completed(_ outcome: WriteOutcome) {
        self.outcome.withLock {
            precondition($0 == nil, "completed twice")
            $0 = outcome
        }
        done.open()
    }

    /// How it ended; waits for it.
    var result: WriteOutcome {
        done.wait()
        return outcome.withLock { $0! }
    }
}

/// A door that stays open once it has been opened.
final class Gate: Sendable {
    private let semaphore = Semaphore()

    func open() {
        semaphore.signal()
    }

    func wait() {
        semaphore.wait()
        semaphore.signal()
    }
}

extension Environment {
    /// A copy of the value under `key`; nil if there is none.
    func copy(_ key: String, in table: Table) throws(StoreError) -> [UInt8]? {
        try read { (transaction) throws(StoreError) in
            try transaction.copy(key, in: table)
        }
    }
}

extension ReadTransaction {
    func copy(_ key: String, in table: Table) throws(StoreError) -> [UInt8]? {
        let name = Array(key.utf8)
        guard let value = try value(forKey: name.span, in: table) else { return nil }
        return value.indices.map { value[$0] }
    }

    func keys(_ table: Table, prefix: String, from start: String? = nil) throws(StoreError)
        -> [String]
    {
        var found: [String] = []
        let bytes = Array(prefix.utf8)
        let body = { (key: Span<UInt8>, _: Span<UInt8>) in
            found.append(String(decoding: key.indices.map { key[$0] }, as: UTF8.self))
            return true
        }
        if let start {
            try scan(table, prefix: bytes.span, from: Array(start.utf8).span, body)
        } else {
            try scan(table, prefix: bytes.span, body)
        }
        return found
    }
}

/// The error that `body` throws; nil if it throws none.
func storeError(_ body: () throws(StoreError) -> Void) -> StoreError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

/// Removes `path` and everything below it.
func removeTree(_ path: String) {
    for name in names(in: path) { removeTree("\(path)/\(name)") }
    unsafe remove(path)
}

/// The names in the folder `path`, sorted; none, if it is no folder.
func names(in path: String) -> [String] {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
        let directory = unsafe opendir(path)
    else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// The bytes of the file `path`.
func contents(_ path: String) -> [UInt8] {
    var bytes: [UInt8] = []
    guard let file = unsafe fopen(path, "r") else { return bytes }
    defer { unsafe fclose(file) }
    var byte = unsafe fgetc(file)
    while byte != EOF {
        bytes.append(UInt8(byte))
        byte = unsafe fgetc(file)
    }
    return bytes
}

/// Makes the file `path` hold `bytes`.
func writeFile(_ bytes: [UInt8], to path: String) {
    let file = unsafe fopen(path, "w")!
    unsafe fwrite(bytes, 1, bytes.count, file)
    unsafe fclose(file)
}
