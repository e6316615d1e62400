// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Testing

@testable import Engine

struct `Paired scoring` {
    /// A candidate that computes what STABLE does must never differ, also where more requests wait in one turn
    /// than the queue holds; with a vector of its own, or with STABLE's.
    @Test(arguments: [false, true])
    func `gives the other model the vector of its own request`(sharesVector: Bool) throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.uploadStump {
                if !sharesVector {
                    $0.inputs[0].default = KassaV1.Value(kind: .integer(1))
                }
                $0.scoreHistogram = KassaV1.ReferenceHistogram(
                    n: 2, edges: [0, 0.5, 1], counts: [1, 1])
            }
            try engine.apply([scorer("stump@1")])
            _ = try engine.canary(
                KassaV1.CanaryRequest(
                    scorer: "abandonment", model: "stump@2", weightPercent: 50,
                    guard: KassaV1.GuardPolicy(sloMicroseconds: 60_000_000)), at: .now())
            let count = 3 * GuardLimits.waitingPairsMax + 7
            for session in 0..<count {
                let items = KassaV1.Value(kind: .integer(Int64(session * 7 % 10)))
                _ = try worker.score(
                    "s-\(session)", context: [KassaV1.NamedValue(name: "items", value: items)])
            }
            worker.settle()
            engine.guards.turn(at: .now())
            let status = try #require(try engine.status.`guard`)
            #expect(status.pairs == UInt64(count))
            #expect(status.differingPairs == 0)
        }
    }
}
