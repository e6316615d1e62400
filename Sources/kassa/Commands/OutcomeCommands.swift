// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Wire

private let fileFlag = Flag(
    name: "--file", short: "-f", value: "FILE",
    help: "Outcomes from a .csv or .jsonl file: score_id, label and maybe at.")
private let atFlag = Flag(
    name: "--at", value: "TIME", help: "When it happened; now by default. Not with --file.")

let outcomeRecordCommand = Command(
    name: "outcome record",
    operands: "[SCORE_ID=LABEL...]",
    operandCount: 0...1_000,
    summary: "Say what came of scores that were recorded.",
    discussion: """
        A score is recorded when its request asks for it (`kassa score --record`); the reply has its
        id. LABEL is true (or 1) if that happened which the score is the probability of, else false
        (or 0). It counts once the score has the scorer's maturity. The first label of a score stays:
        the same again is a duplicate, another is refused.

        Exit code 1 says that an outcome was not taken: conflicting, unknown or late. The others are
        stored all the same, so that a file can be sent again.

        examples:
          kassa outcome record 912383f500643a1f9c2b7d01aa4be377=true
          kassa outcome record --file outcomes.csv
        """,
    flags: [fileFlag, atFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        var batches = try OutcomeBatches(arguments, file: fileFlag.name, at: atFlag.name)
        let client = try arguments.connect()
        var text = OutcomeText()
        while let outcomes = try batches.next() {
            let response: KassaV1.RecordOutcomeResponse = try asking { () throws(ClientError) in
                try client.call(
                    KassaV1.ScoringService.recordOutcome,
                    KassaV1.RecordOutcomeRequest(outcomes: outcomes))
            }
            guard response.statuses.count == outcomes.count else {
                throw .failed("the server has answered for another number of outcomes")
            }
            text.add(outcomes, response.statuses)
        }
        if arguments.has(jsonFlag.name) {
            print(text.tree.json())
        } else {
            Screen.print(text.lines)
        }
        if text.refusedCount > 0 {
            throw .failed("\(text.refusedCount) of \(text.count) outcomes were not taken")
        }
    })

let calibrationCommand = Command(
    name: "calibration",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Show how well a scorer's models agree with outcomes.",
    discussion: """
        Over the labels of recorded scores, since the model came into its slot: the Brier score, the
        log loss, how many outcomes happened for each that was expected, and the expected calibration
        error (from 500 labels and 50 positives on).

        example:
          kassa calibration cart_abandonment
        """,
    flags: serverFlags,
    run: { arguments throws(CommandError) in
        let client = try arguments.connect()
        let response: KassaV1.GetCalibrationResponse = try asking { () throws(ClientError) in
            try client.call(
                KassaV1.ScoringService.getCalibration,
                KassaV1.GetCalibrationRequest(scorer: arguments.operands[0]))
        }
        let text = CalibrationText(response: response)
        if arguments.has(jsonFlag.name) {
            print(text.tree.json())
        } else {
            Screen.print(text.lines)
        }
    })
