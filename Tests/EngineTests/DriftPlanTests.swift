// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Metrics
import Rollout
import Testing

@testable import Engine

/// The raw statuses of a value that is there, one that is null, and one that is stale.
private let present: UInt8 = 1
private let null: UInt8 = 2
private let stale: UInt8 = 5

/// The plan of a model with those histograms over `cart@1`'s items, and its device if it reads that.
private func withPlan(
    inputs: [KassaV1.ModelInput] = [KassaV1.ModelInput(featureSet: "cart@1", feature: "items")],
    histograms: [KassaV1.ReferenceHistogram], score: KassaV1.ReferenceHistogram? = nil,
    _ body: (DriftPlan) throws -> Void
) throws {
    try TemporaryFolder().withEngine { engine, _ in
        try engine.apply([cart])
        try engine.uploadStump {
            $0.inputs = inputs
            $0.histograms = histograms
            $0.scoreHistogram = score
        }
        try engine.apply([scorer("stump@1")])
        let found = try #require(engine.published.current.scorers.first)
        try body(try #require(engine.driftBook.counters(of: found)).plan)
    }
}

extension DriftPlan {
    /// The counts of each watch, in the order of its reference.
    fileprivate func counts(
        _ vectors: [(values: [Float], statuses: [UInt8], score: Double)]
    ) -> [(counts: [UInt64], stale: UInt64)] {
        let cells = Cells(count: cellCount)
        for vector in vectors {
            unsafe vector.values.withUnsafeBufferPointer { values in
                unsafe vector.statuses.withUnsafeBufferPointer { statuses in
                    unsafe count(
                        values.baseAddress!, statuses.baseAddress, score: vector.score,
                        into: cells)
                }
            }
        }
        let counts = (0..<cellCount).map { cells.value(at: $0) }
        return watches.map { fold(counts, of: $0) }
    }
}

struct `Frozen bins on the request path` {
    @Test(arguments: [11, 12, 13] as [UInt64])
    func `hold the numbers that FrozenBins puts there`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<8 {
            let count = Int.random(in: 1...10, using: &generator)
            var edges: Set<Double> = []
            while edges.count <= count {
                edges.insert(Double(Float.random(in: -9...9, using: &generator)))
            }
            let sorted = edges.sorted()
            let histogram = KassaV1.ReferenceHistogram(
                n: UInt64(count), edges: sorted, counts: [UInt64](repeating: 1, count: count))
            var score = histogram
            score.edges = sorted.map { $0 / 16 }
            try withPlan(histograms: [histogram], score: score) { plan in
                let special: [Float] =
                    [.nan, .infinity, -.infinity, 0, -0.0] + sorted.map(Float.init)
                let values =
                    special + special.map(\.nextUp) + special.map(\.nextDown)
                    + (0..<500).map { _ in Float.random(in: -12...12, using: &generator) }
                let vectors = values.map {
                    (
                        values: [$0], statuses: [$0.isNaN ? null : present],
                        score: $0.isNaN ? 0 : Double($0) / 16
                    )
                }
                let found = plan.counts(vectors)
                #expect(plan.watches.map(\.name) == ["score", "cart.items"])
                for (watch, isScore) in [(0, true), (1, false)] {
                    let bins = plan.watches[watch].reference.bins
                    var expected = [UInt64](repeating: 0, count: bins.count)
                    for vector in vectors {
                        let value = isScore ? vector.score : Double(vector.values[0])
                        expected[index(of: value, in: bins)] += 1
                    }
                    #expect(found[watch].counts == expected, "seed \(seed), edges \(sorted)")
                }
            }
        }
    }

    private func index(of value: Double, in bins: FrozenBins) -> Int {
        guard case .numbers(let edges) = bins, let first = edges.first, let last = edges.last,
            !value.isNaN
        else { return bins.missingIndex }
        guard value >= first && value <= last else { return bins.unseenIndex }
        return edges.dropFirst().dropLast().count { $0 <= value }
    }

    @Test func `keep a value on its side of an edge that no Float is`() throws {
        // Float(0.7) is below 0.7: a value of 0.7 must not fall out of its bin by that.
        let histogram = KassaV1.ReferenceHistogram(
            n: 2, edges: [0.1, 0.7, 0.9], counts: [1, 1])
        try withPlan(histograms: [histogram]) { plan in
            let found = plan.counts(
                [0.1, 0.7, 0.9].map { (values: [Float($0)], statuses: [present], score: 0) })
            #expect(found[0].counts == [1, 2, 0, 0])
        }
    }

    @Test func `tell categories, others, unseen, missing and stale ones apart`() throws {
        let input = KassaV1.ModelInput(
            featureSet: "cart@1", feature: "device", categories: ["tv", "phone", "desktop"])
        let histogram = KassaV1.ReferenceHistogram(
            n: 60, missing: 1, categories: ["phone", "desktop"], categoryCounts: [30, 20], other: 7,
            unseen: 2)
        try withPlan(inputs: [input], histograms: [histogram]) { plan in
            #expect(plan.watches[0].name == "cart.device" && plan.unwatchedCount == 0)
            #expect(plan.watches[0].reference.counts == [30, 20, 7, 2, 1])
            let found = plan.counts([
                ([1], [present], 0), ([1], [stale], 0), ([2], [present], 0), ([0], [present], 0),
                ([.nan], [present], 0), ([.nan], [null], 0), ([.nan], [null], 0),
            ])
            #expect(found[0].counts == [2, 1, 1, 1, 2] && found[0].stale == 1)
        }
    }

    @Test func `take a text with the code of unknown ones as unseen`() throws {
        let input = KassaV1.ModelInput(
            featureSet: "cart@1", feature: "device", categories: ["tv", "phone"], codes: [7, -1],
            otherCode: -1)
        let histogram = KassaV1.ReferenceHistogram(
            n: 60, categories: ["tv", "phone"], categoryCounts: [40, 20])
        try withPlan(inputs: [input], histograms: [histogram]) { plan in
            #expect(plan.watches[0].reference.counts == [40, 0, 20, 0])
            let found = plan.counts([([7], [present], 0), ([-1], [present], 0)])
            #expect(found[0].counts == [1, 0, 1, 0])
        }
    }

    @Test func `are none without a histogram`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            try engine.uploadStump()
            try engine.apply([scorer("stump@1")])
            let found = try #require(engine.published.current.scorers.first)
            #expect(engine.driftBook.counters(of: found) == nil)
            try worker.write(items: 1, session: "s")
            _ = try worker.score("s")
            worker.settle()
            let report = try engine.driftReport(KassaV1.DriftRequest(scorer: "abandonment"))
            #expect(report.slots.map(\.unwatched) == [1])
        }
    }
}
