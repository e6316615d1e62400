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
        Screen.print(report.lines(featuresMax: arguments.has(allFlag.name) ? .max : 10))
    })

let driftAcceptCommand = Command(
    name: "drift accept",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Say that a scorer's drift alarms are about something normal.",
    discussion: """
        What the alarms of today and yesterday are about is learnt as what these hours of the day usually
        bring; for a day, while the alarms are on, so is what comes. Traffic that is as usual at its
        hour is no alarm from then on. A fault that is accepted is not seen when it comes again at the
        same hours.

        example:
          kassa drift accept cart_abandonment --reason "at night only the app buys"
        """,
    flags: [requiredReasonFlag, actorFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let request = KassaV1.AcceptDriftRequest(
            scorer: arguments.operands[0], actor: arguments.actor,
            reason: try arguments.requiredReason())
        let client = try arguments.connect()
        let response: KassaV1.AcceptDriftResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.RolloutsService.acceptDrift, request)
        }
        if arguments.has(jsonFlag.name) {
            print(
                Tree.map([
                    .init("features", .list(response.features.map { .text($0) })),
                    .init("report", response.report?.tree ?? .null),
                ]).json())
            return
        }
        Screen.print(
            response.features.map { "\($0): accepted" } + (response.report.map { [$0.line] } ?? []))
    })

/// Asks a server how a scorer's features stand.
func driftReport(
    of scorer: String, _ client: Client
) throws(CommandError) -> KassaV1.DriftReport {
    try asking { () throws(ClientError) in
        try client.call(KassaV1.RolloutsService.drift, KassaV1.DriftRequest(scorer: scorer))
    }
}
