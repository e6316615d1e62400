// SPDX-License-Identifier: Apache-2.0

import API

let writerHelp = """
    usage: Bench store-writer PORT ENTITIES BATCH fast|durable SECONDS

      Overwrites random rows of what `Bench prepare` has loaded, as fast as the server takes them.
    """

/// Writes at full speed into a server that somebody else started and filled.
func runWriter(_ words: [String]) throws {
    guard words.count == 5, let port = UInt16(words[0]), let entities = Int(words[1]),
        let batch = Int(words[2]), 1...10_000 ~= batch, batch <= entities,
        let seconds = Double(words[4]), 0.01...3_600 ~= seconds
    else { throw BenchError(writerHelp) }
    let requests = WriteRequests(
        data: SyntheticData(trees: 1, depth: 1, entityCount: entities), batch: batch,
        durability: words[3] == "durable" ? .durable : .fast)
    var plan = LoadPlan(port: port, call: .unary(path: writePath))
    (plan.connections, plan.streams) = requests.shape
    plan.seconds = seconds
    plan.countsRows = true
    var generator = try LoadGenerator(plan)
    let result = try generator.run(requests.table())
    if let failure = result.failure { throw BenchError(failure) }
    print("\(format(result.rowsPerSecond)) rows/s")
}
