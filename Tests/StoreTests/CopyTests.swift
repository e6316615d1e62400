// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc
import Synchronization
import Testing

@testable import Store

/// Copies that are slowed down, and copies that would cost the store too much.
struct CopyTests {
    let directory = TemporaryDirectory()

    private var folder: String { directory.path + "/snapshot" }

    /// A store with 1,000 rows of 2,000 bytes, and its writer.
    private func make() throws -> (Environment, Writer) {
        let environment = try directory.open()
        let writer = try Writer(environment: environment)
        let value = [UInt8](repeating: 7, count: 2_000)
        let steps = (0..<1_000).map { TestCommand.Step.put(key: "\($0)", value: value) }
        let command = TestCommand(
            environment.table("rows"), .durable, records: 1_000, bytes: 2_000_000, steps: steps)
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 1, .durable))
        return (environment, writer)
    }

    private func assertNothingIsLeft() {
        #expect(names(in: folder).isEmpty)
        #expect(names(in: folder + ".partial").isEmpty)
    }

    @Test func `a copy goes at its pace and is whole`() throws {
        let (environment, _) = try make()
        var pace = CopyPace()
        pace.bytesPerSecond = 8 << 20
        let started = MonotonicTime.now()
        let manifest = try environment.snapshot(to: folder, pace: pace)
        let seconds = Double(MonotonicTime.now().nanoseconds(since: started)) / 1e9
        #expect(seconds > Double(manifest.files[0].byteCount) / Double(8 << 20) * 0.9)
        #expect(try Snapshot.verify(folder) == manifest)
        #expect(try environment.statistics().copiesTooCostly == 0)
    }

    @Test func `a copy that holds its snapshot too long is given up`() throws {
        let (environment, writer) = try make()
        var pace = CopyPace()
        pace.bytesPerSecond = 1
        pace.secondsMax = 1
        #expect(
            storeError { () throws(StoreError) in
                _ = try environment.snapshot(to: folder, pace: pace)
            } == .copyTooCostly(.seconds(1)))
        assertNothingIsLeft()
        #expect(try environment.statistics().copiesTooCostly == 1)
        #expect(try environment.statistics().oldestReaderMilliseconds < 500)
        // Both go on.
        let command = TestCommand(environment.table("rows"), key: "next")
        try writer.submit(command)
        #expect(command.result == .committed(sequence: 2, .fast))
        _ = try environment.snapshot(to: folder)
    }

    @Test func `a copy under which the data grows too much is given up`() throws {
        let (environment, writer) = try make()
        var pace = CopyPace()
        pace.bytesPerSecond = 1
        pace.growthBytesMin = 4 << 20
        let before = try environment.statistics()
        let ended = Atomic<Bool>(false)
        let rows = environment.table("rows")
        let thread = Thread(name: "writes") {
            var number = 0
            while !ended.load(ordering: .relaxed) {
                number += 1
                let command = TestCommand(rows, key: "\(number * 37 % 1_000)")
                try? writer.submit(command)
                _ = command.result
            }
        }
        let error = storeError { () throws(StoreError) in
            _ = try environment.snapshot(to: folder, pace: pace)
        }
        ended.store(true, ordering: .relaxed)
        thread.join()
        guard case .copyTooCostly(.growth(let bytes)) = error else {
            Issue.record("\(error as Any)")
            return
        }
        // It was seen soon: the file is not much beyond the limit.
        #expect(bytes > 4 << 20)
        let after = try environment.statistics()
        #expect((after.usedPages - before.usedPages) * after.pageBytes < 16 << 20)
        assertNothingIsLeft()
        _ = try environment.snapshot(to: folder)
    }

    @Test func `the growth that a copy may cost is a share, and for a small store a constant`() {
        let pace = CopyPace()
        #expect(pace.growthBytesMax(of: 0) == 64 << 20)
        #expect(pace.growthBytesMax(of: 1 << 30) == 805_306_350)
        #expect(pace.growthBytesMax(of: .max) == UInt64.max / 100 * 75)
    }
}
