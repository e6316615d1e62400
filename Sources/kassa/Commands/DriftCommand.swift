// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

private let allFlag = Flag(name: "--all", help: "Every feature, not only the ten that stand out.")

let driftCommand = Command(
    name: "drift",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Show how far a scorer's features and scores have moved from training.",
    discussion: """
        Compared are the histograms that the models in the slots brought along with what was
        scored in the last full window. A feature without a histogram is not watched.

        examples:
          kassa drift cart_abandonment
          kassa drift cart_abandonment --all --json
        """,
    flags: [allFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let client = try arguments.connect()
        let report = try driftReport(of: arguments.operands[0], client)
        if arguments.has(jsonFlag.name) {
            print(report.tree.json())
            return
        }
        report.lines(featuresMax: arguments.has(allFlag.name) ? .max : 10).forEach { print($0) }
    })

/// Asks a server how a scorer's features stand.
func driftReport(
    of scorer: String, _ client: Client
) throws(CommandError) -> KassaV1.DriftReport {
    try asking { () throws(ClientError) in
        try client.call(KassaV1.RolloutsService.drift, KassaV1.DriftRequest(scorer: scorer))
    }
}
