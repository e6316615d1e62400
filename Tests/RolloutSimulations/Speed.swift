// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Rollout

/// What one observation costs, on one core.
enum Speed {
    private static let count = 1_000_000

    static func run() throws {
        print("processor nanoseconds per observation, the best of five runs of \(count)")
        try measure("good request, new entity") { evidence, entity, index in
            evidence.observe(
                request: entity, arm: index % 20 == 0 ? .canary : .stable, outcome: [])
        }
        try measure("good request, known entity") { evidence, _, index in
            evidence.observe(request: 7, arm: .stable, outcome: [])
        }
        try measure("error, new entity") { evidence, entity, index in
            evidence.observe(
                request: entity, arm: index % 20 == 0 ? .canary : .stable, outcome: .error)
        }
        try measure("pair") { evidence, entity, index in
            evidence.observe(pair: entity, decisionsDiffer: index % 100 == 0)
        }
        try measure("label") { evidence, entity, index in
            evidence.observe(label: entity, outcome: index % 10 == 0, canary: 0.1, stable: 0.1)
        }
    }

    /// Observes so often, of every kind, for whoever counts allocations meanwhile.
    static func observe(count: Int) throws {
        var draws = Draws(seed: 1)
        var evidence = try Evidence(seed: 1, share: 0.05)
        // The literal of a set makes an array; it belongs before the loop.
        let both: RequestOutcome = [.error, .sloMiss]
        let good: RequestOutcome = []
        for index in 0..<count {
            let entity = draws.entity()
            let isCanary = index % 20 == 0
            evidence.observe(
                request: entity, arm: isCanary ? .canary : .stable,
                outcome: index % 7 < 2 ? both : good)
            evidence.observe(pair: entity, decisionsDiffer: index % 50 == 0)
            evidence.observe(label: entity, outcome: index % 10 == 0, canary: 0.1, stable: 0.1)
        }
        print("\(count) observations of each kind: \(evidence.verdict)")
    }

    private static func measure(
        _ name: String, _ body: (inout Evidence, UInt64, Int) -> Void
    ) throws {
        var best = Double.infinity
        for round in 0..<5 {
            var draws = Draws(seed: UInt64(round))
            let entities = (0..<count).map { _ in draws.entity() }
            var evidence = try Evidence(seed: 1, share: 0.05)
            let start = processorNanoseconds()
            for index in entities.indices { body(&evidence, entities[index], index) }
            best = min(best, (processorNanoseconds() - start) / Double(count))
            precondition(evidence.verdict == .within)
        }
        print("  \(name): \(Int(best.rounded()))")
    }

    /// The processor time of this thread, which a busy machine does not stretch.
    private static func processorNanoseconds() -> Double {
        var time = timespec()
        // Safe: the pointer is to a local and does not outlive the call.
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
