// SPDX-License-Identifier: Apache-2.0

import Base
import Engine
import Synchronization
import Wire

/// Loops that score beside the one that is measured, each on a thread of its own, until they are stopped.
final class BesideLoops: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let threads = Mutex<[Thread]>([])

    /// Loops 1 to `count` of `engine`, in turns of ten requests.
    init(_ engine: Engine, count: Int, _ requests: [[UInt8]]) {
        for loop in 0..<count {
            let thread = Thread(name: "beside-\(loop + 1)") { [self] in
                do {
                    try score(engine, loop: loop + 1, requests)
                } catch {
                    fatalError("a loop beside: \(error)")
                }
            }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Ends all of them.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        for thread in threads.withLock({ $0 }) { thread.join() }
    }

    private func score(_ engine: Engine, loop: Int, _ requests: [[UInt8]]) throws {
        var worker = try Worker(engine: engine, loop: loop)
        var writer = WireWriter()
        var next = 0
        while !isStopped.load(ordering: .relaxed) {
            worker.begin()
            for _ in 0..<10 {
                writer.buffer.removeAll()
                let request = requests[next % requests.count]
                try worker.score(request.span, at: .now(), into: &writer)
                next += 1
            }
            worker.end()
            worker.settle()
        }
    }
}
