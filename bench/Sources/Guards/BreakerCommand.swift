// SPDX-License-Identifier: Apache-2.0

import API
import Glibc

let breakerHelp = """
    usage: Bench guards-breaker PORT

      Gives a server that `Bench guards` has prepared a canary of half of the entities which decides the
      other way round, waits until the guard has taken it out, prints after how many microseconds the last
      bad answer came, and begins anew, until it is ended.
    """

/// Begins bad canaries on a server that somebody else prepared and loads.
func runBreaker(_ words: [String]) throws {
    guard words.count == 1, let port = UInt16(words[0]) else { throw BenchError(breakerHelp) }
    let client = try ControlClient(port: port)
    let data = SyntheticData(trees: 1, depth: 1, entityCount: 1)
    while true {
        try data.startCanary(of: "bench@3", percent: 50, client)
        var status = KassaV1.RolloutStatus()
        repeat {
            usleep(5_000)
            status = try client.call(
                "/kassa.v1.Rollouts/Status", [KassaV1.RolloutStatusRequest(scorer: "bench")])
        } while status.rollout?.phase == .phaseCanary
        let told: KassaV1.ExplainRolloutResponse = try client.call(
            "/kassa.v1.Rollouts/Explain",
            [KassaV1.ExplainRolloutRequest(rolloutId: status.rollout?.id ?? 0)])
        guard let last = told.transitions.last, last.actor == "guard", last.verb == "roll-back",
            told.agrees, let microseconds = last.lastAnswerAfterUs, microseconds >= 0
        else { throw BenchError("no roll-back by the guard: \(told.disagreement)") }
        print(microseconds)
        fflush(nil)
        let request = KassaV1.ClearQuarantineRequest(
            model: "bench@3", actor: "bench", reason: "bench")
        _ = try client.call(
            "/kassa.v1.Rollouts/ClearQuarantine", [request],
            reply: KassaV1.ClearQuarantineResponse.self)
    }
}
