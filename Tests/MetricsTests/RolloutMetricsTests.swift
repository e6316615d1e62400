// SPDX-License-Identifier: Apache-2.0

import Base
import Metrics
import Testing

private func lines(_ metrics: RolloutMetrics) -> [String] {
    var snapshot = MetricSnapshot()
    metrics.collect(into: &snapshot)
    var buffer = ByteBuffer(capacity: 4_096)
    PrometheusText.write(snapshot, into: &buffer)
    let bytes = buffer.bytes
    return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
}

private func drift(_ feature: String) -> RolloutReading.Drift {
    .init(feature: feature, slot: "STABLE", psi: 0.5, threshold: 0.25)
}

@Test func `a reading becomes series, and they go with it`() {
    let metrics = RolloutMetrics()
    #expect(lines(metrics) == ["kassa_rollout_series_left_out 0"])
    metrics.publish([
        RolloutReading(
            scorer: "cart", phase: "CANARY", isFrozen: true,
            evidence: [
                .init(component: "errors", logValue: -1.5),
                .init(component: "merged", logValue: .infinity),
            ],
            drift: [drift("cart_value")])
    ])
    #expect(
        lines(metrics) == [
            #"kassa_feature_psi{scorer="cart",feature="cart_value",slot="STABLE"} 0.5"#,
            #"kassa_feature_psi_threshold{scorer="cart",feature="cart_value",slot="STABLE"} 0.25"#,
            #"kassa_rollout_frozen{scorer="cart"} 1"#,
            #"kassa_rollout_log_evidence{scorer="cart",component="errors"} -1.5"#,
            #"kassa_rollout_log_evidence{scorer="cart",component="merged"} +Inf"#,
            #"kassa_rollout_phase{scorer="cart",phase="CANARY"} 1"#,
            "kassa_rollout_series_left_out 0",
        ])
    metrics.publish([])
    #expect(lines(metrics) == ["kassa_rollout_series_left_out 0"])
}

@Test func `scorers are bounded, at the limit and not before`() {
    let metrics = RolloutMetrics()
    let readings = (0...RolloutMetrics.scorersMax).map {
        RolloutReading(scorer: "s\($0)", phase: "CANARY")
    }
    metrics.publish(Array(readings.dropLast()))
    #expect(lines(metrics).contains("kassa_rollout_series_left_out 0"))
    #expect(lines(metrics).count == 2 * RolloutMetrics.scorersMax + 1)
    metrics.publish(readings)
    #expect(lines(metrics).contains("kassa_rollout_series_left_out 2"))
    #expect(lines(metrics).count == 2 * RolloutMetrics.scorersMax + 1)
}

@Test func `features are bounded over all scorers, at the limit and not before`() {
    let metrics = RolloutMetrics()
    let half = RolloutMetrics.driftsMax / 2
    func publish(_ second: Int) {
        metrics.publish([
            RolloutReading(scorer: "a", phase: "CANARY", drift: (0..<half).map { drift("f\($0)") }),
            RolloutReading(
                scorer: "b", phase: "CANARY", drift: (0..<second).map { drift("f\($0)") }),
        ])
    }
    publish(half)
    #expect(lines(metrics).contains("kassa_rollout_series_left_out 0"))
    publish(half + 1)
    #expect(lines(metrics).contains("kassa_rollout_series_left_out 2"))
    #expect(lines(metrics).count { $0.hasPrefix("kassa_feature_psi{") } == RolloutMetrics.driftsMax)
}

@Test func `components are bounded, at the limit and not before`() {
    let metrics = RolloutMetrics()
    func publish(_ count: Int) {
        let evidence = (0..<count).map {
            RolloutReading.Evidence(component: "c\($0)", logValue: 0)
        }
        metrics.publish([RolloutReading(scorer: "a", phase: "CANARY", evidence: evidence)])
    }
    publish(RolloutMetrics.componentsMax)
    #expect(lines(metrics).contains("kassa_rollout_series_left_out 0"))
    publish(RolloutMetrics.componentsMax + 1)
    #expect(lines(metrics).contains("kassa_rollout_series_left_out 1"))
}
