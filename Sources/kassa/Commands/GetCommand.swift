// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

private let outputFlag = Flag(
    name: "--output", short: "-o", value: "FORMAT", help: "yaml (the default) or json.")

let getCommand = Command(
    name: "get",
    operands: "KIND NAME",
    operandCount: 2...2,
    summary: "Print one feature set, scorer or model.",
    discussion: """
        KIND is feature_set, scorer or model. NAME may end in a version, such as cart@3; without
        one it is the newest. What is printed as YAML can be applied again (a model cannot: it
        needs its artefact).

        examples:
          kassa get feature_set session_behaviour
          kassa get scorer cart_abandonment -o json
        """,
    flags: [outputFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let kind = try Kind(arguments.operands[0])
        let name = arguments.operands[1]
        let format =
            arguments.value(outputFlag.name) ?? (arguments.has(jsonFlag.name) ? "json" : "yaml")
        guard ["yaml", "json"].contains(format) else {
            throw .usage("--output must be yaml or json, not \"\(format)\"")
        }
        let client = try arguments.connect()
        let tree: Tree
        switch kind {
        case .model:
            let response: KassaV1.GetModelResponse = try asking { () throws(ClientError) in
                try client.call(
                    KassaV1.ModelsService.get, KassaV1.GetModelRequest(model: name))
            }
            tree = response.model?.spec?.tree ?? .map([])
        case .featureSet, .scorer:
            let response: KassaV1.GetResponse = try asking { () throws(ClientError) in
                try client.call(
                    KassaV1.ConfigService.get,
                    KassaV1.GetRequest(kind: kind.rawValue, name: name))
            }
            tree = response.document?.tree ?? .map([])
        }
        if arguments.has(jsonFlag.name) {
            print(tree.json())
        } else if format == "json" {
            print(tree.json(indented: true))
        } else {
            print(tree.yaml(), terminator: "")
        }
    })
