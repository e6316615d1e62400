// SPDX-License-Identifier: Apache-2.0

import Wire

let loadHelp = """
    usage: Bench load PORT get|grpc PATH CONNECTIONS STREAMS [spin] [RATE] [SECONDS]
           Bench load PORT score|read|readN ENTITIES CONNECTIONS STREAMS [spin] [RATE] [SECONDS]

      Loads any server on 127.0.0.1: with GETs, with gRPC calls of a small message, or with Scores
      or Reads (readN: of N entities each) of random entities that `Bench prepare` has loaded.
      A RATE per second makes the loop open.
    """

/// Runs one load against any server, for a look by hand.
func runLoad(_ words: [String]) throws {
    let numbers = words.dropFirst(5).filter { $0 != "spin" }.map { Double($0) }
    guard words.count >= 5, let port = UInt16(words[0]), let connections = Int(words[3]),
        let streams = Int(words[4]), numbers.allSatisfy({ $0 != nil })
    else { throw BenchError(loadHelp) }
    let call: LoadPlan.Call
    var requests = RequestTable()
    switch words[1] {
    case "get": call = .get(path: words[2])
    case "grpc": call = .unary(path: words[2])
    case let word where word == "score" || word.hasPrefix("read"):
        guard let entities = Int(words[2]), entities > 0 else { throw BenchError(loadHelp) }
        let data = SyntheticData(trees: 1, depth: 1, entityCount: entities)
        let batch = Int(word.dropFirst(4)) ?? 1
        guard 1...entities ~= batch else { throw BenchError(loadHelp) }
        call = .unary(path: word == "score" ? scorePath : readPath)
        requests = word == "score" ? data.requests() : data.reads(batch: batch)
    default: throw BenchError(loadHelp)
    }
    if requests.count == 0 {
        for index in 0..<1_000 {
            requests.add { writer in
                writer.uint64(1, UInt64(index + 1))
                writer.string(2, "a small message")
            }
        }
    }
    var plan = LoadPlan(
        port: port, call: call, connections: connections, streams: streams,
        spins: words.contains("spin"))
    if let rate = numbers.first.flatMap({ $0 }), rate > 0 {
        plan.arrival = .openLoop(perSecond: Int(rate))
    }
    if let seconds = numbers.dropFirst().first.flatMap({ $0 }) { plan.seconds = seconds }
    var generator = try LoadGenerator(plan)
    let result = try generator.run(requests)
    let quantiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1)]
        .map { "\($0) \(format(result.microseconds($1))) us" }
    print(
        "\(format(result.perSecond)) req/s,", quantiles.joined(separator: ", ") + ",",
        "client CPU \(format(result.clientMicroseconds ?? .nan)) us/req,",
        result.failure ?? "no errors")
    if let failure = result.failure { throw BenchError(failure) }
}
