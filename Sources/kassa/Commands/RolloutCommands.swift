// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Wire

private let modelFlag = Flag(
    name: "--model", short: "-m", value: "NAME@VERSION", help: "The candidate.")
private let weightFlag = Flag(
    name: "--weight", short: "-w", value: "PERCENT",
    help: "Its share of entities, such as 5 or 0.1.")
private let stepsFlag = Flag(
    name: "--steps", value: "LIST", help: "Weights that promote goes through, such as 5,25,100.")
private let fullFlag = Flag(name: "--full", help: "To STABLE at once, whatever steps are left.")
private let revisionFlag = Flag(
    name: "--expected-revision", value: "N", help: "Refuse unless the slots are at revision N.")
private let digestFlag = Flag(
    name: "--sha256", value: "HEX", help: "A bundle's digest, in the place of a model.")

private let changeFlags = [revisionFlag, reasonFlag, actorFlag] + serverFlags

let rolloutShadowCommand = Command(
    name: "rollout shadow",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Evaluate a model beside STABLE; it answers nobody.",
    discussion: """
        example:
          kassa rollout shadow cart_abandonment --model abandonment@2 --reason "retrained"
        """,
    flags: [modelFlag] + guardFlags + changeFlags,
    run: { arguments throws(CommandError) in
        guard let model = arguments.value(modelFlag.name) else {
            throw .usage("name the candidate: --model NAME@VERSION")
        }
        try change(
            arguments, KassaV1.RolloutsService.shadow,
            KassaV1.ShadowRequest(
                scorer: arguments.operands[0], model: model,
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason, guard: try arguments.guardPolicy()))
    })

let rolloutCanaryCommand = Command(
    name: "rollout canary",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Let a model answer a share of entities.",
    discussion: """
        Without --model it is the one in SHADOW. The same entities stay in on every call, and when the
        weight rises. The guard takes a candidate out by itself when the evidence is against it; with
        --dwell it also takes the steps by itself.

        examples:
          kassa rollout canary cart_abandonment --model abandonment@2 --weight 5
          kassa rollout canary cart_abandonment --weight 1 --steps 5,25,100
          kassa rollout canary cart_abandonment -m abandonment@2 -w 5 --steps 25 --dwell 1h
        """,
    flags: [modelFlag, weightFlag, stepsFlag] + guardFlags + advanceFlags + changeFlags,
    run: { arguments throws(CommandError) in
        var steps: [Double] = []
        for word in arguments.value(stepsFlag.name)?.split(separator: ",") ?? [] {
            guard let step = Double(word) else {
                throw .usage("\(stepsFlag.name) must be percentages, such as 5,25,100")
            }
            steps.append(step)
        }
        try change(
            arguments, KassaV1.RolloutsService.canary,
            KassaV1.CanaryRequest(
                scorer: arguments.operands[0], model: arguments.value(modelFlag.name) ?? "",
                weightPercent: try arguments.weight(), stepPercents: steps,
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason, guard: try arguments.guardPolicy()))
    })

let rolloutSetWeightCommand = Command(
    name: "rollout set-weight",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Give a canary another share of entities.",
    discussion: """
        example:
          kassa rollout set-weight cart_abandonment --weight 25
        """,
    flags: [weightFlag] + changeFlags,
    run: { arguments throws(CommandError) in
        try change(
            arguments, KassaV1.RolloutsService.setWeight,
            KassaV1.SetWeightRequest(
                scorer: arguments.operands[0], weightPercent: try arguments.weight(),
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason))
    })

let rolloutPauseCommand = Command(
    name: "rollout pause",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Hold a canary's weight until it is resumed.",
    flags: changeFlags,
    run: { arguments throws(CommandError) in
        try change(
            arguments, KassaV1.RolloutsService.pause,
            KassaV1.PauseRequest(
                scorer: arguments.operands[0],
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason))
    })

let rolloutResumeCommand = Command(
    name: "rollout resume",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Go on after a pause.",
    flags: changeFlags,
    run: { arguments throws(CommandError) in
        try change(
            arguments, KassaV1.RolloutsService.resume,
            KassaV1.ResumeRequest(
                scorer: arguments.operands[0],
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason))
    })

let rolloutPromoteCommand = Command(
    name: "rollout promote",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Take a candidate to its next step, behind the last to STABLE.",
    discussion: """
        What STABLE had before is kept in PREVIOUS for a day: `kassa rollout undo` puts it back.

        examples:
          kassa rollout promote cart_abandonment
          kassa rollout promote cart_abandonment --full --reason "measured for a week"
        """,
    flags: [fullFlag] + changeFlags,
    run: { arguments throws(CommandError) in
        try change(
            arguments, KassaV1.RolloutsService.promote,
            KassaV1.PromoteRequest(
                scorer: arguments.operands[0], full: arguments.has(fullFlag.name),
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason))
    })

let rolloutAbortCommand = Command(
    name: "rollout abort",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "End a rollout: STABLE answers everybody, at once.",
    discussion: """
        It works with a disk that takes no writes, too. The candidate may be tried again.

        example:
          kassa rollout abort cart_abandonment --reason "support calls"
        """,
    flags: changeFlags,
    run: { arguments throws(CommandError) in
        try change(
            arguments, KassaV1.RolloutsService.abort,
            KassaV1.AbortRequest(
                scorer: arguments.operands[0],
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason))
    })

let rolloutUndoCommand = Command(
    name: "rollout undo",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Put the model before the last promotion back into STABLE, at once.",
    discussion: """
        It works with a disk that takes no writes, too. The bundle that was promoted is quarantined.

        example:
          kassa rollout undo cart_abandonment --reason "conversion fell"
        """,
    flags: changeFlags,
    run: { arguments throws(CommandError) in
        try change(
            arguments, KassaV1.RolloutsService.undo,
            KassaV1.UndoRequest(
                scorer: arguments.operands[0],
                expectedRevision: try arguments.expectedRevision(), actor: arguments.actor,
                reason: arguments.reason))
    })

let rolloutQuarantineCommand = Command(
    name: "rollout quarantine",
    operands: "[NAME@VERSION]",
    operandCount: 0...1,
    summary: "Keep a bundle out of all slots; rollouts of it are rolled back.",
    discussion: """
        A bundle is known by its digest, so the same bytes under another name are kept out too.

        examples:
          kassa rollout quarantine abandonment@2 --reason "trained on wrong labels"
          kassa rollout quarantine --sha256 9f86d0... --reason "leaked"
        """,
    flags: [digestFlag, requiredReasonFlag, actorFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let (model, digest) = try arguments.bundle()
        let request = KassaV1.QuarantineRequest(
            model: model, bundleSha256: digest, actor: arguments.actor,
            reason: try arguments.requiredReason())
        let client = try arguments.connect()
        let response: KassaV1.QuarantineResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.RolloutsService.quarantine, request)
        }
        if arguments.has(jsonFlag.name) {
            print(
                Tree.map([
                    .init("bundle_sha256", .text(hexadecimalText(response.bundleSha256))),
                    .init("rolled_back", .list(response.rolledBack.map { .text($0) })),
                    .init("unchanged", .flag(response.unchanged)),
                ]).json())
            return
        }
        print(
            "bundle \(hexadecimalText(response.bundleSha256)) "
                + (response.unchanged ? "was in quarantine already" : "is in quarantine"))
        for scorer in response.rolledBack { print("scorer \(scorer): its rollout is rolled back") }
    })

let rolloutClearQuarantineCommand = Command(
    name: "rollout clear-quarantine",
    operands: "[NAME@VERSION]",
    operandCount: 0...1,
    summary: "Let a bundle into slots again.",
    discussion: """
        example:
          kassa rollout clear-quarantine abandonment@2 --reason "the labels were right"
        """,
    flags: [digestFlag, requiredReasonFlag, actorFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let (model, digest) = try arguments.bundle()
        let request = KassaV1.ClearQuarantineRequest(
            model: model, bundleSha256: digest, actor: arguments.actor,
            reason: try arguments.requiredReason())
        let client = try arguments.connect()
        let response: KassaV1.ClearQuarantineResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.RolloutsService.clearQuarantine, request)
        }
        if arguments.has(jsonFlag.name) {
            print(
                Tree.map([
                    .init("bundle_sha256", .text(hexadecimalText(response.bundleSha256))),
                    .init("unchanged", .flag(response.unchanged)),
                ]).json())
            return
        }
        print(
            "bundle \(hexadecimalText(response.bundleSha256)) "
                + (response.unchanged ? "was in no quarantine" : "may be in slots again"))
    })

/// Has the server carry out a verb and tells how the slots are then.
private func change(
    _ arguments: Arguments, _ method: APIMethod, _ request: some WireMessage
) throws(CommandError) {
    let client = try arguments.connect()
    let response: KassaV1.RolloutResponse = try asking { () throws(ClientError) in
        try client.call(method, request)
    }
    let status = response.status ?? KassaV1.RolloutStatus()
    if arguments.has(jsonFlag.name) {
        print(
            Tree.map([
                .init("unchanged", .flag(response.unchanged)), .init("status", status.tree),
            ]).json())
        return
    }
    Screen.print(["\(status.line)\(response.unchanged ? " (as before)" : "")"])
}

extension Arguments {
    fileprivate func expectedRevision() throws(CommandError) -> UInt64? {
        try integer(revisionFlag.name, in: 0...UInt64.max)
    }

    fileprivate func weight() throws(CommandError) -> Double {
        guard let text = value(weightFlag.name) else {
            throw .usage("say the share of entities: --weight PERCENT")
        }
        guard let weight = Double(text.hasSuffix("%") ? String(text.dropLast()) : text) else {
            throw .usage("\(weightFlag.name) must be a percentage, such as 5, not \"\(text)\"")
        }
        return weight
    }

    /// The model or the digest that was typed; the server wants exactly one.
    fileprivate func bundle() throws(CommandError) -> (String, [UInt8]) {
        let model = operands.first ?? ""
        guard let text = value(digestFlag.name) else {
            guard !model.isEmpty else {
                throw .usage("name a model, NAME@VERSION, or a digest, --sha256 HEX")
            }
            return (model, [])
        }
        var digest: [UInt8] = []
        var rest = text[...]
        while rest.count >= 2, let byte = UInt8(rest.prefix(2), radix: 16) {
            digest.append(byte)
            rest = rest.dropFirst(2)
        }
        guard rest.isEmpty, digest.count == 32 else {
            throw .usage("\(digestFlag.name) must be 64 hexadecimal digits")
        }
        return (model, digest)
    }
}
