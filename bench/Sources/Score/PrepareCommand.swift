// SPDX-License-Identifier: Apache-2.0

import Files

let prepareHelp = """
    usage: Bench prepare PORT FILE [--entities N]

      Gives a fresh server the bench's model and rows (200000), and writes one Score request with
      its gRPC prefix to FILE, for load generators that send a file.
    """

/// Prepares a server that somebody else started.
func runPrepare(_ words: [String]) throws {
    guard words.count >= 2, let port = UInt16(words[0]) else { throw BenchError(prepareHelp) }
    let options = try ScoreOptions(Array(words.dropFirst(2)))
    // The server may just be starting.
    let control = try connect(port: port, seconds: 10)
    let fixture = SyntheticData(
        trees: options.trees, depth: options.depth, entityCount: options.entities)
    try fixture.configure(ServerAccess(client: control, port: port, program: "kassa"))
    try fixture.load(control)
    try fixture.verify(control)
    try Files.write(fixture.framedRequest.span, to: words[1])
}
