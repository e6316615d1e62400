// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

let dropCommand = Command(
    name: "drop",
    operands: "SET@N",
    operandCount: 1...1,
    summary: "Take a version of a feature set away for good.",
    discussion: """
        Refused while a scorer's model reads the version. Columns that only it had are taken out of
        the rows in the background; its number is never given again. Other versions keep
        their values. To warn readers first, apply the version with `deprecated: WHY`.

        examples:
          kassa drop cart@1 --dry-run
          kassa drop cart@1 --reason "nobody reads it since May"
        """,
    flags: [dryRunFlag, actorFlag, requiredReasonFlag, epochFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let name = arguments.operands[0]
        let version = name.split(separator: "@", omittingEmptySubsequences: false)
        guard version.count == 2, let number = UInt32(version[1]), number > 0 else {
            throw .usage("name a version, such as cart@1, not \"\(name)\"")
        }
        let isDryRun = arguments.has(dryRunFlag.name)
        let request = KassaV1.DropRequest(
            featureSet: name,
            expectedEpoch: try arguments.integer(epochFlag.name, in: 0...UInt64.max),
            dryRun: isDryRun, actor: arguments.actor,
            reason: isDryRun
                ? arguments.value(requiredReasonFlag.name) ?? "" : try arguments.requiredReason())
        let client = try arguments.connect()
        let response: KassaV1.DropResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.ConfigService.drop, request)
        }
        let plan = PlanText(
            response: KassaV1.ApplyResponse(
                plan: response.plan.map { [$0] } ?? [], epoch: response.epoch),
            isDryRun: isDryRun)
        if arguments.has(jsonFlag.name) {
            print(plan.tree.json())
        } else {
            Screen.print(plan.lines)
        }
    })
