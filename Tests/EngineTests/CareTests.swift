// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Files
import Glibc
import Testing
import Wire

struct CareTests {
    let folder = TemporaryFolder()

    /// Waits until the look that was asked for has finished.
    private func finished(_ engine: Engine) throws -> KassaV1.ScanReport? {
        for _ in 0..<500 {
            let status = try engine.verifyStore(KassaV1.VerifyStoreRequest(onlyStatus: true))
            if let report = status.report, report.finishedAtUs > 0 { return report }
            usleep(10_000)
        }
        return nil
    }

    private func snapshot(_ engine: Engine, to path: String) throws -> KassaV1.SnapshotStoreResponse
    {
        try engine.snapshotStore(
            KassaV1.SnapshotStoreRequest(folder: path, actor: "test", reason: "a test"), at: .now())
    }

    private func remove(_ path: String) {
        for folder in ["\(path)/bundles", path] {
            for name in (try? Files.names(in: folder)) ?? [] {
                try? Files.remove("\(folder)/\(name)")
            }
            _ = unsafe rmdir(folder)
        }
    }

    @Test func `nothing is looked at before the server runs`() throws {
        try folder.withEngine { engine, _ in
            #expect(throws: EngineError.self) {
                _ = try engine.verifyStore(KassaV1.VerifyStoreRequest())
            }
            let isHolding =
                try engine.verifyStore(KassaV1.VerifyStoreRequest(onlyStatus: true)).report == nil
            #expect(isHolding)
        }
    }

    @Test func `a look that was asked for sees every entry and every artefact`() throws {
        try folder.withEngine { engine, _ in
            engine.startScrubbing(periodSeconds: 0)
            try engine.apply([cart])
            let model = try engine.uploadStump()
            _ = try engine.verifyStore(KassaV1.VerifyStoreRequest())
            let report = try #require(try finished(engine))
            #expect(report.sound)
            #expect(report.wasAskedFor)
            #expect(report.tables.first { $0.name == "bundles" }?.entries == 1)
            let digest = model.model?.spec?.sha256 ?? []
            let name = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            try Files.remove("\(folder.path)/bundles/\(name)")
            _ = try engine.verifyStore(KassaV1.VerifyStoreRequest())
            var second = try #require(try finished(engine))
            for _ in 0..<500 where second.number == report.number {
                usleep(10_000)
                second = try #require(try finished(engine))
            }
            #expect(!second.sound)
            #expect(second.problems.count == 1)
            #expect(second.problems.first?.hasPrefix("model stump@1") == true)
            #expect(engine.storeStatistics().lastVerify == second)
        }
    }

    @Test func `a snapshot holds the artefacts that its data refers to, and comes back`() throws {
        let copy = folder.path + "-copy"
        let restored = folder.path + "-restored"
        defer {
            remove(copy)
            remove(restored)
        }
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.uploadStump(threshold: 4)
            let made = try snapshot(engine, to: copy)
            #expect(made.files.map { $0.name.prefix(8) } == ["data.mdb", "bundles/", "bundles/"])
            #expect(made.auditRefusal.isEmpty)
            #expect(engine.storeStatistics().lastSnapshot?.sequence == made.sequence)
            #expect(!engine.storeStatistics().snapshotRunning)
        }
        let back = try ClosedStore.restore(copy, to: restored)
        #expect(back.files.count == 3)
        let report = try ClosedStore.verify(restored)
        #expect(report.sound)
        let engine = try Engine(folder: restored, loopCount: 1, mapBytes: 1 << 30)
        defer { engine.stop() }
        #expect(engine.listModels().models.count == 2)
    }

    @Test(arguments: [
        "copy", "", "./copy", "/tmp/a\0b", "/" + String(repeating: "x", count: 3_000),
    ])
    func `a snapshot's folder must be an absolute path that a system call takes`(path: String)
        throws
    {
        try folder.withEngine { engine, _ in
            let error = #expect(throws: EngineError.self) { try snapshot(engine, to: path) }
            #expect(error?.kind == .invalidArgument)
        }
    }

    @Test func `no snapshot is begun once the engine is to end`() throws {
        let copy = folder.path + "-copy"
        try folder.withEngine { engine, _ in
            engine.cancelCare()
            let error = #expect(throws: EngineError.self) { try snapshot(engine, to: copy) }
            #expect(error?.kind == .unavailable)
            #expect(engine.storeStatistics().lastSnapshot?.failure.isEmpty == false)
        }
        #expect(!Files.exists(copy))
        #expect(!Files.exists(copy + ".partial"))
    }

    @Test func `a closed store is copied without its free pages, and not while it is open`() throws
    {
        let target = folder.path + "-small"
        defer { remove(target) }
        try folder.withEngine { engine, _ in
            try engine.apply([cart])
            try engine.uploadStump()
            #expect(throws: EngineError.self) {
                _ = try ClosedStore.compact(folder.path, to: target)
            }
            #expect(throws: EngineError.self) { _ = try ClosedStore.verify(folder.path) }
        }
        let sizes = try ClosedStore.compact(folder.path, to: target)
        #expect(sizes.after <= sizes.before)
        #expect(try ClosedStore.verify(target).sound)
    }

    @Test func `what is not there is not made by looking at it`() {
        let missing = folder.path + "-missing"
        #expect(throws: EngineError.self) { _ = try ClosedStore.verify(missing) }
        #expect(throws: EngineError.self) {
            _ = try ClosedStore.compact(missing, to: folder.path + "-small")
        }
        #expect(!Files.exists(missing))
    }
}
