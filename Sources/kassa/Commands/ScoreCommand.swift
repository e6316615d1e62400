// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

private let contextFlag = Flag(
    name: "--context", short: "-c", value: "NAME=VALUE",
    help: "A value known only now; it overrides the stored one. Repeatable.", isRepeatable: true)
private let featuresFlag = Flag(
    name: "--features", help: "Show every value that the model saw.")
private let contributionsFlag = Flag(
    name: "--contributions", help: "Show what each input added to the margin, the largest first.")
private let topFlag = Flag(
    name: "--top", value: "N", help: "Only so many contributions (1 to 4096).")
private let recordFlag = Flag(
    name: "--record", help: "Keep the score for `kassa outcome record`, and show its id.")

let scoreCommand = Command(
    name: "score",
    operands: "SCORER -e KIND=ID...",
    operandCount: 1...1,
    summary: "Ask for a score.",
    discussion: """
        Prints the score, what computed it, and every feature that was not PRESENT (`kassa read
        --help` explains the statuses). Name one entity per kind that the model's features need; an
        empty id, customer=, says that there is none, as for a guest.

        A --context name is a feature, or set.feature where two sets share the name; its value is
        read as the type that the feature is declared with, and null is an explicit null.

        examples:
          kassa score cart_abandonment -e session=s-81 -e customer=c-7
          kassa score cart_abandonment -e session=s-81 -e customer= -c cart_value=84.90 --features
          kassa score cart_abandonment -e session=s-81 -e customer= --contributions --top 5
        """,
    flags: [entityFlag, contextFlag, featuresFlag, contributionsFlag, topFlag, recordFlag]
        + serverFlags,
    run: { arguments throws(CommandError) in
        let scorer = arguments.operands[0]
        let entities = try NamedText.entities(arguments, allowingNone: true)
        var given: [NamedText] = []
        for word in arguments.values(contextFlag.name) {
            given.append(try NamedText(word, form: "NAME=VALUE, such as cart_value=84.90"))
        }
        let client = try arguments.connect()
        var request = KassaV1.ScoreRequest(
            scorer: scorer,
            entities: entities.map { KassaV1.EntityKey(kind: $0.name, id: $0.text) },
            include: arguments.has(featuresFlag.name) ? [.features] : [])
        let top = try arguments.integer(topFlag.name, in: 1...4096, default: 0)
        if arguments.has(contributionsFlag.name) || top > 0 {
            request.include.append(.contributions)
            request.topContributions = UInt32(top)
        }
        request.record = arguments.has(recordFlag.name)
        if !given.isEmpty {
            let declared = try DeclaredFeatures.inputs(ofScorer: scorer, from: client)
            for value in given {
                let type = try declared.type(of: value.name, in: "the model of \(scorer)")
                request.context.append(
                    KassaV1.NamedValue(
                        name: value.name, value: try TypedValue(value, type: type).value))
            }
        }
        let response: KassaV1.ScoreResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.ScoringService.score, request)
        }
        let text = ScoreText(scorer: scorer, response: response)
        if arguments.has(jsonFlag.name) {
            print(text.tree.json())
        } else {
            Screen.print(text.lines)
        }
    })
