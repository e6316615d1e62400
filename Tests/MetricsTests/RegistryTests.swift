// SPDX-License-Identifier: Apache-2.0

import Base
import Metrics
import Synchronization
import Testing

/// What a scrape of `registry` would get.
func scrape(_ registry: Registry) -> String {
    text(registry.snapshot())
}

func text(_ snapshot: MetricSnapshot) -> String {
    var buffer = ByteBuffer(capacity: 0)
    PrometheusText.write(snapshot, into: &buffer)
    return String(decoding: buffer.bytes.indices.map { buffer.bytes[$0] }, as: UTF8.self)
}

struct `A registry` {
    @Test func `merges the loops' RPC metrics into one series per method and code`() throws {
        let registry = Registry()
        let loops = (0..<3).map { _ in RPCMetrics(methods: ["a/Score", "b/Write"]) }
        for loop in loops { try registry.register(loop) }
        loops[0].record(method: 0, code: 0, nanoseconds: 30_000)
        loops[1].record(method: 0, code: 0, nanoseconds: 60_000)
        loops[2].record(method: 0, code: 4, nanoseconds: 20_000_000_000)
        let text = scrape(registry)
        let lines = Set(text.split(separator: "\n"))
        #expect(lines.contains(#"kassa_rpc_requests_total{method="a/Score",code="OK"} 2"#))
        #expect(
            lines.contains(
                #"kassa_rpc_requests_total{method="a/Score",code="DEADLINE_EXCEEDED"} 1"#))
        #expect(lines.contains(#"kassa_rpc_requests_total{method="b/Write",code="OK"} 0"#))
        let bucket = #"kassa_rpc_duration_seconds_bucket{method="a/Score",code="OK",le="#
        #expect(lines.contains("\(bucket)\"2.5e-05\"} 0"))
        #expect(lines.contains("\(bucket)\"5e-05\"} 1"))
        #expect(lines.contains("\(bucket)\"7.5e-05\"} 2"))
        #expect(lines.contains("\(bucket)\"0.001\"} 2"))
        #expect(lines.contains("\(bucket)\"10\"} 2"))
        #expect(lines.contains("\(bucket)\"+Inf\"} 2"))
        #expect(
            lines.contains(#"kassa_rpc_duration_seconds_sum{method="a/Score",code="OK"} 9e-05"#))
        #expect(
            lines.contains(#"kassa_rpc_duration_seconds_count{method="a/Score",code="OK"} 2"#))
        let late =
            #"kassa_rpc_duration_seconds_bucket{method="a/Score",code="DEADLINE_EXCEEDED",le="#
        #expect(lines.contains("\(late)\"10\"} 0"))
        #expect(lines.contains("\(late)\"+Inf\"} 1"))
        #expect(!text.contains("CANCELLED"))
        #expect(!text.contains("other"))
    }

    @Test(arguments: [-1, 2, .max, .min])
    func `counts an RPC of an unknown method as other`(method: Int) throws {
        let registry = Registry()
        let metrics = RPCMetrics(methods: ["a/Score", "b/Write"])
        try registry.register(metrics)
        metrics.record(method: method, code: 12, nanoseconds: 1)
        #expect(
            scrape(registry).contains(
                #"kassa_rpc_requests_total{method="other",code="UNIMPLEMENTED"} 1"#))
    }

    @Test(arguments: [-1, 17, .max])
    func `counts a status that gRPC does not know as UNKNOWN`(code: Int) throws {
        let registry = Registry()
        let metrics = RPCMetrics(methods: ["a/Score"])
        try registry.register(metrics)
        metrics.record(method: 0, code: code, nanoseconds: 1)
        #expect(
            scrape(registry).contains(
                #"kassa_rpc_requests_total{method="a/Score",code="UNKNOWN"} 1"#))
    }

    @Test func `refuses a family that another source declared otherwise and keeps none of it`()
        throws
    {
        let registry = Registry()
        let first = MetricFamily(.gauge, "kassa_x", help: "X.")
        try registry.register([first]) { $0.add(first, count: 1) }
        let other = MetricFamily(.gauge, "kassa_y", help: "Y.")
        #expect(throws: Registry.Conflict.family(name: "kassa_x")) {
            try registry.register([other, MetricFamily(.gauge, "kassa_x", help: "Other.")]) {
                $0.add(other, count: 1)
            }
        }
        #expect(!scrape(registry).contains("kassa_y"))
        try registry.register([first]) { $0.add(first, count: 2) }
        #expect(scrape(registry).hasSuffix("\nkassa_x 3\n"))
    }

    @Test func `gives configured series their own numbers up to the limit, then other`() throws {
        let registry = Registry()
        let family = MetricFamily(
            .counter, "kassa_scores_total", help: "Scores computed.", labels: ["scorer", "slot"])
        let scores = LabelledCounters(family, lanes: 2, capacity: 2)
        try registry.register(scores)
        let cart = scores.series(["cart", "stable"])
        let basket = scores.series(["basket", "stable"])
        #expect(Set([0, cart, basket]).count == 3)
        #expect(scores.series(["cart", "stable"]) == cart)
        #expect(scores.series(["third", "stable"]) == 0)
        scores.lane(0).add(1, at: cart)
        scores.lane(1).add(2, at: cart)
        #expect(!scrape(registry).contains("other"))
        scores.lane(1).add(5, at: scores.series(["fourth", "stable"]))
        let text = scrape(registry)
        #expect(text.contains(#"kassa_scores_total{scorer="cart",slot="stable"} 3"#))
        #expect(text.contains(#"kassa_scores_total{scorer="basket",slot="stable"} 0"#))
        #expect(text.contains(#"kassa_scores_total{scorer="other",slot="other"} 5"#))
    }

    @Test func `reads while loops record, and loses nothing`() async throws {
        let registry = Registry()
        let loops = (0..<2).map { _ in RPCMetrics(methods: ["a/Score"]) }
        for loop in loops { try registry.register(loop) }
        await withTaskGroup(of: Void.self) { group in
            for loop in loops {
                group.addTask {
                    for index in 0..<200_000 {
                        loop.record(method: 0, code: 0, nanoseconds: UInt64(index))
                    }
                }
            }
            group.addTask {
                var last: UInt64 = 0
                for _ in 0..<50 {
                    for sample in registry.snapshot().samples(of: RPCMetrics.requests) {
                        guard case .count(let count) = sample.value else { continue }
                        #expect(count >= last)
                        last = count
                    }
                }
            }
        }
        #expect(scrape(registry).contains(#"method="a/Score",code="OK"} 400000"#))
    }
}

extension String {
    /// How often `part` occurs.
    func components(of part: String) -> Int {
        ranges(of: part).count
    }
}
