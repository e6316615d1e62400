// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Features
import Glibc
import Store
import Testing

/// Rows in a real store, written by the writer's thread.
@Suite final class StoredRowTests {
    let directory: String

    init() {
        var template = Array("/tmp/kassa-features-XXXXXX".utf8CString)
        directory = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe mkdtemp(buffer.baseAddress!)
            return unsafe String(cString: buffer.baseAddress!)
        }
    }

    deinit {
        for name in ["data.mdb", "lock.mdb", "lock"] { unsafe unlink("\(directory)/store/\(name)") }
        unsafe rmdir("\(directory)/store")
        unsafe rmdir(directory)
    }

    func environment() throws -> Environment {
        try Environment(at: directory + "/store", tables: [.eightAligned("rows")])
    }

    @Test func `a batch is written in one transaction and read back in place`() throws {
        let environment = try environment()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let catalog = try Fixture.catalog(Fixture.mixed(), Fixture.floats(32))
        let set = try #require(catalog.sets["cart"])
        let ids = (0..<1_000).map { "s-\($0)" }
        let request = Fixture.request(
            ids,
            [
                .floats("amount", ids.indices.map { $0 == 3 ? .nan : Float($0) }),
                .texts("country", ids.map { "c\($0)" }),
            ])
        let write = try Fixture.prepare(request, set)
        #expect(write.acceptedRowCount == 999)
        let apply = { () throws -> WriteTally in
            try writer.run { transaction, sequence in
                var scratch = RowScratch()
                return try write.applyAll(
                    in: &transaction, rows, of: set, with: &scratch, sequence: sequence)
            }
        }
        var expected = WriteTally()
        expected.applied = 999
        #expect(try apply() == expected)
        expected.applied = 0
        expected.ignoredOlder = 999
        #expect(try apply() == expected)

        let plan = try ReadPlan(set: set, version: set.newest, features: ["country", "amount"])
        let values = try environment.read { transaction throws(StoreError) in
            var found = ReadRows()
            found.start(count: ids.count)
            var key = RowKey()
            for (index, id) in ids.enumerated() {
                key.start(kindsID: set.newest.kindsID)
                do throws(RowKeyError) {
                    try key.append(id)
                    try key.finish(setID: set.id)
                } catch { Issue.record(error) }
                // Safe: the snapshot is held until the reply is written.
                unsafe found.place(
                    try transaction.value(forKey: key.bytes, in: rows), at: index,
                    now: Fixture.now)
            }
            return Result { try Fixture.written(plan, ids.count, &found) }
        }.get()
        #expect(values.columns[0].statuses == ids.indices.map { $0 == 3 ? 7 : 1 })
        #expect(
            values.columns[0].values
                == .texts(
                    KassaV1.TextValues(values: ids.indices.map { $0 == 3 ? "ch" : "c\(ids[$0])" })))
        #expect(
            values.columns[1].values
                == .floats(
                    KassaV1.FloatValues(values: ids.indices.map { $0 == 3 ? 2.5 : Float($0) })))
        writer.stop()
    }

    @Test func `the rows of an entity are found by one scan`() throws {
        let environment = try environment()
        let rows = environment.table("rows")
        let writer = try Writer(environment: environment)
        let catalog = try Fixture.catalog(Fixture.mixed(), Fixture.floats(2))
        let cart = try #require(catalog.sets["cart"])
        let floats = try #require(catalog.sets["floats"])
        let ids = ["s", "s1", "t"]
        let first = try Fixture.prepare(
            Fixture.request(ids, [.floats("amount", [1, 2, 3])]), cart)
        let second = try Fixture.prepare(
            Fixture.request(ids, [.floats("f0", [1, 2, 3])]), floats)
        try writer.run { transaction, sequence in
            var scratch = RowScratch()
            for (write, set) in [(first, cart), (second, floats)] {
                _ = try write.applyAll(
                    in: &transaction, rows, of: set, with: &scratch, sequence: sequence)
            }
        }
        var found: [[UInt8]] = []
        try environment.read { transaction throws(StoreError) in
            var key = RowKey()
            key.start(kindsID: cart.newest.kindsID)
            do throws(RowKeyError) { try key.append("s") } catch { Issue.record(error) }
            try transaction.scan(rows, prefix: key.prefix) { key, _ in
                found.append(Fixture.bytes(key))
                return true
            }
        }
        #expect(found == [Fixture.bytes(first.key(0)), Fixture.bytes(second.key(0))])
        writer.stop()
    }
}
