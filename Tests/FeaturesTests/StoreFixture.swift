// SPDX-License-Identifier: Apache-2.0

import Base
import Features
import Glibc
import Store

/// A store of its own with the tables of rows, and a writer; gone at the end of the test.
final class StoreFixture {
    let directory: String
    let environment: Environment
    let writer: Writer
    var scratch = RowScratch()

    var rows: Table { environment.table("rows") }
    var tombstones: Table { environment.table("tombstones") }
    var history: Table { environment.table("history") }
    var tables: WriteTables {
        WriteTables(rows: rows, tombstones: tombstones, history: history)
    }

    init() throws {
        var template = Array("/tmp/kassa-features-XXXXXX".utf8CString)
        directory = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe mkdtemp(buffer.baseAddress!)
            return unsafe String(cString: buffer.baseAddress!)
        }
        environment = try Environment(
            at: directory + "/store",
            tables: [
                .eightAligned("rows"), .eightAligned("tombstones"), .eightAligned("history"),
            ])
        writer = try Writer(environment: environment)
    }

    deinit {
        writer.stop()
        for name in ["data.mdb", "lock.mdb", "lock"] { unsafe unlink("\(directory)/store/\(name)") }
        unsafe rmdir("\(directory)/store")
        unsafe rmdir(directory)
    }

    func apply(_ write: PreparedWrite, to set: FeatureSet) throws -> WriteTally {
        let tables = tables
        return try writer.run { transaction, sequence in
            var scratch = RowScratch()
            return try write.applyAll(
                in: &transaction, tables, of: set, with: &scratch, sequence: sequence)
        }
    }

    func put(_ value: [UInt8], _ key: [UInt8], in table: Table) throws {
        try writer.run { transaction, _ in
            try transaction.put(value.span, forKey: key.span, in: table)
        }
    }

    func delete(_ keys: [[UInt8]], in table: Table) throws {
        try writer.run { transaction, _ in
            for key in keys { try transaction.delete(key.span, in: table) }
        }
    }

    /// All that a table holds under a prefix, in order.
    func contents(_ table: Table, prefix: [UInt8] = []) throws -> [(key: [UInt8], value: [UInt8])] {
        try environment.read { transaction throws(StoreError) in
            var found: [(key: [UInt8], value: [UInt8])] = []
            try transaction.scan(table, prefix: prefix.span) { key, value in
                found.append((Fixture.bytes(key), Fixture.bytes(value)))
                return true
            }
            return found
        }
    }
}
