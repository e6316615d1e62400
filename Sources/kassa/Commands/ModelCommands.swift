// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

let modelListCommand = Command(
    name: "model list",
    summary: "List the models.",
    discussion: """
        example:
          kassa model list
        """,
    flags: serverFlags,
    run: { arguments throws(CommandError) in
        let models = try listModels(try arguments.connect())
        if arguments.has(jsonFlag.name) {
            print(Tree.list(models.map(\.tree)).json())
            return
        }
        guard !models.isEmpty else {
            print("no models yet: `kassa model upload FILE` brings one in")
            return
        }
        var table = Table(
            ["MODEL", "TREES", "NODES", "DEPTH", "INPUTS", "OBJECTIVE", "OWNER"],
            rightAligned: [1, 2, 3, 4])
        for model in models {
            // A model without trees has none of the three.
            let counts = [model.trees, model.nodes, model.depth].map {
                model.trees > 0 ? "\($0)" : ""
            }
            table.add([
                model.title, counts[0], counts[1], counts[2],
                "\(model.spec?.inputs.count ?? 0)", model.objective, model.spec?.owner ?? "",
            ])
        }
        table.print()
        for model in models where !model.defect.isEmpty {
            print("\(model.title) is not served: \(model.defect)")
        }
    })

let modelGetCommand = Command(
    name: "model get",
    operands: "NAME",
    operandCount: 1...1,
    summary: "Show a model: its inputs, what is in it, who serves it.",
    discussion: """
        NAME may end in a version, such as abandonment@1; without one it is the newest.

        example:
          kassa model get abandonment
        """,
    flags: serverFlags,
    run: { arguments throws(CommandError) in
        let client = try arguments.connect()
        let response: KassaV1.GetModelResponse = try asking { () throws(ClientError) in
            try client.call(
                KassaV1.ModelsService.get,
                KassaV1.GetModelRequest(model: arguments.operands[0]))
        }
        guard case .map(let entries) = response.model?.tree else { return }
        let tree = Tree.map(
            entries + [.init("scorers", .list(response.scorers.map { .text($0) }))])
        print(arguments.has(jsonFlag.name) ? tree.json() + "\n" : tree.yaml(), terminator: "")
    })

let modelDeleteCommand = Command(
    name: "model delete",
    operands: "NAME@VERSION",
    operandCount: 1...1,
    summary: "Remove a model that no scorer names.",
    discussion: """
        example:
          kassa model delete abandonment@1 --reason "trained on wrong labels"
        """,
    flags: [requiredReasonFlag, actorFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let name = arguments.operands[0]
        let reason = try arguments.requiredReason()
        let client = try arguments.connect()
        let _: KassaV1.DeleteModelResponse = try asking { () throws(ClientError) in
            try client.call(
                KassaV1.ModelsService.delete,
                KassaV1.DeleteModelRequest(model: name, reason: reason, actor: arguments.actor))
        }
        print(
            arguments.has(jsonFlag.name)
                ? Tree.map([.init("deleted", .text(name))]).json() : "deleted \(name)")
    })
