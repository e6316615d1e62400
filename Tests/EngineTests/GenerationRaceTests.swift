// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Glibc
import Synchronization
import Testing

struct `Generations under load` {
    /// One thread scores without a pause while another loads, switches and drops generations whose rows
    /// are deleted behind them: every answer must come whole from a generation that served.
    @Test func `no answer meets a table that is half filled or half emptied`() throws {
        let folder = TemporaryFolder()
        let engine = try Engine(folder: folder.path, loopCount: 2, mapBytes: 1 << 30)
        defer { engine.stop() }
        try engine.apply([cart])
        try engine.uploadStump()
        try engine.apply([scorer("stump@1")])
        var worker = try Worker(engine: engine, loop: 0)
        let all = (0..<500).map { ("s\($0)", Int64(5)) }
        try worker.write(all, at: 1)
        let isEnding = Atomic<Bool>(false)
        let answers = Atomic<Int>(0)
        let wrong = Mutex<[String]>([])
        let reader = Thread(name: "reader") {
            do {
                var scorer = try Worker(engine: engine, loop: 1)
                var number = 0
                while !isEnding.load(ordering: .relaxed) {
                    number = (number + 7) % 500
                    let response = try scorer.score("s\(number)")
                    if response.margin != -0.25 || !response.degraded.isEmpty {
                        wrong.withLock {
                            $0.append("s\(number): \(response.degraded.map(\.status))")
                        }
                    }
                    answers.add(1, ordering: .relaxed)
                }
            } catch {
                wrong.withLock { $0.append("\(error)") }
            }
        }
        func begin() throws -> KassaV1.GenerationInfo {
            do {
                return try engine.begin()
            } catch let error as EngineError where error.kind == .resourceExhausted {
                // On a busy machine the emptier may be a few tables behind.
                try engine.settle()
                return try engine.begin()
            }
        }
        for _ in 0..<60 {
            let generation = try begin()
            try worker.write(all, generation: generation.id, at: 1)
            try engine.move(to: generation.id, force: true, reason: "test")
            if generation.id % 3 == 0 { try engine.rollBack() }
        }
        try engine.settle()
        isEnding.store(true, ordering: .relaxed)
        reader.join()
        let found = wrong.withLock { $0 }
        #expect(found.isEmpty, "\(found.prefix(5))")
        #expect(answers.load(ordering: .relaxed) > 500)
    }

    /// Many rows go in pieces, so that a stop in the middle leaves some, which the next start deletes.
    @Test func `deleting goes on where a restart interrupted it`() throws {
        let folder = TemporaryFolder()
        let rowCount = EngineLimits.emptiedRowsMax * 10
        try folder.withEngine { engine, worker in
            try engine.apply([cart])
            _ = try engine.begin()
            for start in stride(from: 0, to: rowCount, by: 10_000) {
                try worker.write(
                    (start..<start + 10_000).map { ("s\($0)", Int64(1)) }, generation: 1)
            }
            #expect(try engine.generations()[0].rows == UInt64(rowCount))
            try engine.discard(1)
        }
        try folder.withEngine { engine, _ in
            // Its table is not given out while it has rows.
            #expect(try engine.begin().rows == 0)
            try engine.settle()
            #expect(try engine.generations().map(\.id) == [2, 0])
        }
    }
}
