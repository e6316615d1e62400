// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

private let idFlag = Flag(
    name: "--id", value: "N", help: "The generation; the one that is loaded by default.")
private let keptIDFlag = Flag(
    name: "--id", value: "N",
    help: "The generation; the one that is loaded by default, else the one before.")
private let forceFlag = Flag(
    name: "--force", help: "Switch whatever a check said; needs --reason.")
private let expectedFlag = Flag(
    name: "--expected-serving", value: "N", help: "Refuse unless generation N serves.")
private let rowsMinFlag = Flag(
    name: "--rows-min", value: "N", help: "Fewest rows; 1 by default.")
private let changeFlag = Flag(
    name: "--row-change-max", value: "SHARE",
    help: "Most change of the number of rows; 0.3 by default.")
private let nullFlag = Flag(
    name: "--null-rise-max", value: "SHARE",
    help: "Most rise of a feature's share of missing values; 0.1 by default.")
private let duplicateFlag = Flag(
    name: "--duplicates-max", value: "SHARE",
    help: "Most rows with a repeated key; 0.01 by default.")
private let psiFlag = Flag(
    name: "--psi-max", value: "NUMBER",
    help: "Highest population stability index; 0.25 by default.")

let generationListCommand = Command(
    name: "generation list",
    operands: "[SET]",
    operandCount: 0...1,
    summary: "List the generations of feature sets.",
    discussion: """
        A generation is a whole replacement of a feature set's rows: loaded beside those that serve
        (kassa load --generation), checked, and switched to at once.

        example:
          kassa generation list cart
        """,
    flags: serverFlags,
    run: { arguments throws(CommandError) in
        let client = try arguments.connect()
        let generations = try listGenerations(arguments.operands.first ?? "", client)
        if arguments.has(jsonFlag.name) {
            print(Tree.list(generations.map(\.tree)).json())
            return
        }
        var table = Table(
            ["SET", "ID", "STATE", "ROWS", "LOADED", "VERDICT", "TABLE", "BY"],
            rightAligned: [1, 3, 4])
        for generation in generations {
            table.add([
                generation.featureSet, "\(generation.id)", generation.state.name.lowercased(),
                generation.rows.map { grouped(Int(clamping: $0)) } ?? "",
                grouped(Int(clamping: generation.rowsLoaded)),
                generation.id == 0 ? "" : generation.verdict.name.lowercased(), generation.table,
                ValueText.printable(generation.createdBy),
            ])
        }
        table.print()
    })

let generationCheckCommand = Command(
    name: "generation check",
    operands: "SET",
    operandCount: 1...1,
    summary: "Compare a loaded generation with what serves.",
    discussion: """
        Compares numbers of rows, shares of missing values, repeated keys and, for each numeric
        feature, the distributions (population stability index). Exits with 1 when the verdict is
        REFUSE; `kassa generation switch` refuses then too.

        examples:
          kassa generation check cart
          kassa generation check cart --rows-min 1000000 --psi-max 0.1
        """,
    flags: [
        idFlag, rowsMinFlag, changeFlag, nullFlag, duplicateFlag, psiFlag, actorFlag,
    ] + serverFlags,
    run: { arguments throws(CommandError) in
        let set = arguments.operands[0]
        var limits = KassaV1.GenerationLimits()
        limits.rowsMin = try arguments.integer(rowsMinFlag.name, in: 0...UInt64.max)
        limits.rowChangeMax = try number(changeFlag, arguments)
        limits.nullRiseMax = try number(nullFlag, arguments)
        limits.duplicateShareMax = try number(duplicateFlag, arguments)
        limits.psiMax = try number(psiFlag, arguments)
        let client = try arguments.connect(timeoutMilliseconds: 600_000)
        let request = KassaV1.CheckGenerationRequest(
            featureSet: set, id: try generationID(arguments, set, client), limits: limits,
            actor: arguments.actor)
        let response: KassaV1.CheckGenerationResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.GenerationsService.check, request)
        }
        if arguments.has(jsonFlag.name) {
            print(response.tree(id: request.id).json())
        } else {
            var table = Table(["", "GATE", "FEATURE", "VALUE", "LIMIT", ""], rightAligned: [3, 4])
            for gate in response.gates {
                table.add([
                    gate.passed ? "ok" : "REFUSE", gate.gate, gate.feature,
                    ValueText.fixed(gate.value, digits: 3), ValueText.fixed(gate.limit, digits: 3),
                    gate.detail,
                ])
            }
            table.print()
            print("generation \(request.id): \(response.verdict.name)")
        }
        guard response.verdict == .proceed else {
            throw .failed("generation \(request.id) of \(set) does not pass the check")
        }
    })

let generationSwitchCommand = Command(
    name: "generation switch",
    operands: "SET",
    operandCount: 1...1,
    summary: "Serve a loaded generation from the next request on.",
    discussion: """
        The generation must have passed `kassa generation check` with all its rows. What served
        before is kept and follows live writes, so that a rollback loses none.

        examples:
          kassa generation switch cart --reason "nightly load"
          kassa generation switch cart --force --reason "prices have doubled, known"
        """,
    flags: [idFlag, forceFlag, expectedFlag, reasonFlag, actorFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let set = arguments.operands[0]
        let client = try arguments.connect()
        let request = KassaV1.SwitchGenerationRequest(
            featureSet: set, id: try generationID(arguments, set, client),
            expectedServing: try arguments.integer(expectedFlag.name, in: 0...UInt64.max),
            force: arguments.has(forceFlag.name),
            actor: arguments.actor,
            reason: arguments.reason)
        let response: KassaV1.SwitchGenerationResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.GenerationsService.switch, request)
        }
        tell(arguments, set, response.generation, response.epoch)
    })

let generationRollbackCommand = Command(
    name: "generation rollback",
    operands: "SET",
    operandCount: 1...1,
    summary: "Serve the generation before again, at once.",
    discussion: """
        What served until now is kept in its place, so that a second rollback undoes the first.

        example:
          kassa generation rollback cart --reason "conversion fell"
        """,
    flags: [expectedFlag, reasonFlag, actorFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let set = arguments.operands[0]
        let client = try arguments.connect()
        let request = KassaV1.RollbackGenerationRequest(
            featureSet: set,
            expectedServing: try arguments.integer(expectedFlag.name, in: 0...UInt64.max),
            actor: arguments.actor,
            reason: arguments.reason)
        let response: KassaV1.RollbackGenerationResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.GenerationsService.rollback, request)
        }
        tell(arguments, set, response.generation, response.epoch)
    })

let generationDiscardCommand = Command(
    name: "generation discard",
    operands: "SET",
    operandCount: 1...1,
    summary: "Give up a generation that does not serve.",
    discussion: """
        Its rows are deleted in the background, a few thousand in each commit.

        example:
          kassa generation discard cart --id 3
        """,
    flags: [keptIDFlag, reasonFlag, actorFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let set = arguments.operands[0]
        let client = try arguments.connect()
        let request = KassaV1.DiscardGenerationRequest(
            featureSet: set, id: try generationID(arguments, set, client, orKept: true),
            actor: arguments.actor,
            reason: arguments.reason)
        let response: KassaV1.DiscardGenerationResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.GenerationsService.discard, request)
        }
        if arguments.has(jsonFlag.name) {
            let tree = Tree.map([
                .init("feature_set", .text(set)), .init("discarded", .unsigned(request.id)),
                .init("epoch", .unsigned(response.epoch)),
            ])
            print(tree.json())
        } else {
            print("\(set): generation \(request.id) is discarded; its rows are being deleted")
        }
    })

private func number(_ flag: Flag, _ arguments: Arguments) throws(CommandError) -> Double? {
    guard let text = arguments.value(flag.name) else { return nil }
    guard let number = Double(text), number.isFinite, number >= 0 else {
        throw .usage("\(flag.name) must be a number from 0 on, not \"\(text)\"")
    }
    return number
}

private func listGenerations(
    _ set: String, _ client: Client
) throws(CommandError) -> [KassaV1.GenerationInfo] {
    let response: KassaV1.ListGenerationsResponse = try asking { () throws(ClientError) in
        try client.call(
            KassaV1.GenerationsService.list, KassaV1.ListGenerationsRequest(featureSet: set))
    }
    return response.generations
}

/// The generation that `--id` names, or else the one that is being loaded.
private func generationID(
    _ arguments: Arguments, _ set: String, _ client: Client, orKept: Bool = false
) throws(CommandError) -> UInt64 {
    if let id = try arguments.integer(idFlag.name, in: 0...UInt64.max) { return id }
    let generations = try listGenerations(set, client)
    if let loading = generations.first(where: { $0.state == .loading }) { return loading.id }
    if orKept, let kept = generations.first(where: { $0.state == .kept }) { return kept.id }
    throw .failed(
        "no generation of \(set) is loaded: `kassa load \(set) FILE --generation` begins one")
}

private func tell(
    _ arguments: Arguments, _ set: String, _ generation: KassaV1.GenerationInfo?, _ epoch: UInt64
) {
    let id = generation?.id ?? 0
    guard arguments.has(jsonFlag.name) else {
        return print("\(set): generation \(id) serves, epoch \(epoch)")
    }
    let tree = Tree.map([
        .init("feature_set", .text(set)), .init("serving", .unsigned(id)),
        .init("epoch", .unsigned(epoch)),
    ])
    print(tree.json())
}

extension KassaV1.GenerationInfo {
    /// The generation for JSON.
    fileprivate var tree: Tree {
        .map([
            .init("feature_set", .text(featureSet)),
            .init("id", .unsigned(id)),
            .init("state", .text(state.name)),
            .init("created_at_us", .integer(createdAtUs)),
            .init("created_by", .text(createdBy)),
            .init("rows_loaded", .unsigned(rowsLoaded)),
            .init("duplicate_keys", .unsigned(duplicateKeys)),
            .init("verdict", .text(verdict.name)),
            .init("table", .text(table)),
            .init("rows", rows.map { .unsigned($0) } ?? .null),
        ])
    }
}

extension KassaV1.CheckGenerationResponse {
    /// The check for JSON.
    fileprivate func tree(id: UInt64) -> Tree {
        .map([
            .init("id", .unsigned(id)),
            .init("verdict", .text(verdict.name)),
            .init("rows", .unsigned(rows)),
            .init("serving_rows", .unsigned(servingRows)),
            .init(
                "gates",
                .list(
                    gates.map { gate in
                        .map([
                            .init("gate", .text(gate.gate)),
                            .init("feature", .text(gate.feature)),
                            .init("value", .number(gate.value)),
                            .init("limit", .number(gate.limit)),
                            .init("passed", .flag(gate.passed)),
                            .init("detail", .text(gate.detail)),
                        ])
                    })),
        ])
    }
}
