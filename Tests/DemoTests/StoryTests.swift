// SPDX-License-Identifier: Apache-2.0

import API
import Testing

@testable import Demo

private func status(_ logs: [Double], merged: Double) -> KassaV1.GuardStatus {
    let names = [
        "errors", "slo_misses", "fallbacks", "decision_flips", "paired_brier", "calibration",
    ]
    return KassaV1.GuardStatus(
        verdict: "WITHIN", logEvidence: merged,
        components: zip(names, logs).map {
            KassaV1.GuardComponent(name: $0, weight: 0.1, logEvidence: $1)
        },
        counts: [KassaV1.GuardCount(name: "entities", stable: 9_000, candidate: 512)],
        pairs: 12_345, differingPairs: 321, labels: 6_000)
}

@Test func `evidence is told in 80 columns, whatever it is`() {
    let canary = KassaV1.Rollout(phase: .phaseCanary, weightPercent: 25)
    for logs in [[0, 0, 0, -12.34, 1.25, -1], [-1_234.5, 0, 99.94, 99.96, -9_999, 6.91]] {
        let told = status(logs, merged: 7.3)
        #expect(EvidenceTable.header(told).count == 80)
        #expect(EvidenceTable.line(canary, told).count == 80)
    }
    #expect(
        EvidenceTable.line(canary, status([0, 0, 0, -12.34, 1.25, -145.2], merged: 7.3))
            == "  25 %        512 12 345    321  6 000   7.3   0.0   0.0   0.0 -12.3   1.3  -145")
}

@Test func `a shadow has answered nobody`() {
    let shadow = KassaV1.Rollout(phase: .phaseShadow)
    let line = EvidenceTable.line(shadow, status([0, 0, 0, 0, 0, 0], merged: 0))
    #expect(line.hasPrefix("  shadow        0 12 345"))
    #expect(EvidenceTable.percent(0.25) == "0.25 %")
    #expect(EvidenceTable.percent(100) == "100 %")
}

@Test func `a line that is too long is broken at its spaces`() {
    #expect(Text.wrapped("", columns: 10) == [""])
    #expect(Text.wrapped("1234567890", columns: 10) == ["1234567890"])
    #expect(Text.wrapped("12345  7890 b", columns: 10, indent: 2) == ["12345 7890", "  b"])
    #expect(
        Text.wrapped("  to the end of it", columns: 10, indent: 0)
            == ["  to the", "  end of", "  it"])
    // A word that is longer than a line stays whole.
    #expect(Text.wrapped("a 12345678901 b", columns: 5) == ["a", "    12345678901", "    b"])
}

@Test func `the mean of a histogram comes from its sum and its count`() {
    let page = MetricsPage(
        text: """
            HTTP/1.1 200 OK\r
            # TYPE delta histogram
            delta_bucket{scorer="a",le="+Inf"} 4
            delta_sum{scorer="a"} 0.5
            delta_count{scorer="a"} 4
            delta_sum{scorer="b"} 0
            delta_count{scorer="b"} 0
            """)
    #expect(page.value(of: #"delta_sum{scorer="a"}"#) == 0.5)
    #expect(page.mean(of: "delta", labels: #"scorer="a""#) == 0.125)
    #expect(page.mean(of: "delta", labels: #"scorer="b""#) == nil)
    #expect(page.mean(of: "delta", labels: #"scorer="c""#) == nil)
}

@Test func `a page is asked of an address and nothing else`() {
    #expect(throws: CommandError.self) { try MetricsPage(of: "nowhere") }
    #expect(throws: CommandError.self) { try MetricsPage(of: "127.0.0.1:x") }
}

@Test func `scores of the story are kept for their outcomes`() {
    let request = ShopRequests.scores([("a-1", nil), ("a-2", "c-9")])
    #expect(request.record)
    #expect(request.scorer == "cart_abandonment")
    #expect(request.rows.map { $0.entities.map(\.id) } == [["a-1", ""], ["a-2", "c-9"]])
}

@Test func `a rollout goes on until it has ended`() {
    let open: [KassaV1.RolloutPhase] = [.phaseShadow, .phaseCanary, .phasePaused]
    #expect(open.allSatisfy { $0.isOpen })
    let ended: [KassaV1.RolloutPhase] = [
        .phasePromoted, .phaseAborted, .phaseRolledBack,
    ]
    #expect(!ended.contains { $0.isOpen })
}

@Test func `what a program writes to its standard error can be read as well`() throws {
    let words = ["-c", "echo told; echo refused >&2; exit 3"]
    var child = try ChildProcess("/bin/sh", words, output: .pipeWithErrors)
    #expect(child.nextLine() == "told")
    #expect(child.nextLine() == "refused")
    #expect(child.nextLine() == nil)
    let code = child.wait()
    #expect(code == 3)
}
