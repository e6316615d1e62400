// SPDX-License-Identifier: Apache-2.0

import API
import Glibc

let swapperHelp = """
    usage: Bench guards-swapper PORT PER_SECOND

      Gives a server that `Bench guards` has prepared another model that many times a second until it
      is ended, bench@2 and bench@1 in turn: a canary of half of the entities, then all of them.
    """

/// Swaps models of a server that somebody else prepared.
func runSwapper(_ words: [String]) throws {
    guard words.count == 2, let port = UInt16(words[0]), let perSecond = UInt32(words[1]),
        1...100 ~= perSecond
    else { throw BenchError(swapperHelp) }
    let client = try ControlClient(port: port)
    let data = SyntheticData(trees: 1, depth: 1, entityCount: 1)
    let half = 500_000 / perSecond
    let status: KassaV1.RolloutStatus = try client.call(
        "/kassa.v1.Rollouts/Status", [KassaV1.RolloutStatusRequest(scorer: "bench")])
    var models = ["bench@1", "bench@2"]
    if status.slots.first?.model == models[0] { models.reverse() }
    while true {
        for model in models {
            try data.startCanary(of: model, percent: 50, client)
            usleep(half)
            try data.promote(client)
            usleep(half)
        }
    }
}
