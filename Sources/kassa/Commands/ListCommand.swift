// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Wire

let listCommand = Command(
    name: "list",
    operands: "[KIND]",
    operandCount: 0...1,
    summary: "List feature sets, scorers and models.",
    discussion: """
        KIND is feature_set, scorer or model; without one, all are listed.

        examples:
          kassa list
          kassa list scorer --json
        """,
    flags: serverFlags,
    run: { arguments throws(CommandError) in
        let kind: Kind? =
            if let word = arguments.operands.first { try Kind(word) } else { nil }
        let client = try arguments.connect()
        var documents: [KassaV1.Document] = []
        var models: [KassaV1.ModelInfo] = []
        if kind != .model {
            let response: KassaV1.ListResponse = try asking { () throws(ClientError) in
                try client.call(
                    KassaV1.ConfigService.list, KassaV1.ListRequest(kind: kind?.rawValue ?? ""))
            }
            documents = response.documents
        }
        if kind == nil || kind == .model { models = try listModels(client) }
        if arguments.has(jsonFlag.name) {
            print(Tree.list(documents.map(\.tree) + models.map(\.tree)).json())
            return
        }
        guard !documents.isEmpty || !models.isEmpty else {
            print("nothing there yet: `kassa apply -f FILE` puts feature sets in force")
            return
        }
        var table = Table(["KIND", "NAME", "WHAT", "OWNER"])
        for document in documents { table.add(document.row) }
        for model in models { table.add(model.row) }
        table.print()
    })

/// Every model that the server has.
func listModels(_ client: Client) throws(CommandError) -> [KassaV1.ModelInfo] {
    let response: KassaV1.ListModelsResponse = try asking { () throws(ClientError) in
        try client.call(KassaV1.ModelsService.list, KassaV1.ListModelsRequest())
    }
    return response.models
}

extension KassaV1.Document {
    /// Kind, name, what it is, owner.
    var row: [String] {
        switch resource {
        case .featureSet(let set):
            [
                Kind.featureSet.rawValue, "\(set.name)@\(set.version)",
                "\(counted(set.features.count, "feature")) by \(set.entity.joined(separator: ", "))",
                set.owner,
            ]
        case .scorer(let scorer):
            [Kind.scorer.rawValue, scorer.name, scorer.model, scorer.owner]
        case nil: []
        }
    }
}

extension KassaV1.ModelInfo {
    /// "abandonment@1".
    var title: String { "\(spec?.name ?? "")@\(spec?.version ?? 0)" }

    /// Kind, name, what it is, owner.
    var row: [String] {
        let form = trees > 0 ? counted(Int(trees), "tree") : objective
        let what = "\(form), \(counted(spec?.inputs.count ?? 0, "input"))"
        return [Kind.model.rawValue, title, what, spec?.owner ?? ""]
    }

    /// The spec and what was found in the artefact.
    var tree: Tree {
        guard case .map(let entries) = spec?.tree ?? .map([]) else { return .null }
        let found: [Tree.Entry] = [
            .init("trees", .integer(Int64(trees))), .init("nodes", .integer(Int64(nodes))),
            .init("depth", .integer(Int64(depth))), .init("objective", .text(objective)),
            .init("row_us", .number(rowUs)), .init("has_contributions", .flag(hasContributions)),
            .init("uploaded_at_us", .integer(uploadedAtUs)), .init("served", .flag(defect.isEmpty)),
        ]
        return .map(entries + found + (defect.isEmpty ? [] : [.init("defect", .text(defect))]))
    }
}

/// "1 tree", "300 trees".
func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
}
