// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

let eraseCommand = Command(
    name: "erase",
    operands: "-e KIND=ID",
    summary: "Delete an entity everywhere, for ever, with a receipt.",
    discussion: """
        Deletes every row that the entity takes part in, alone or together with others, in all feature
        sets, and their history. Writes of values from before the erasure stay without effect
        from then on, however late they come; values from after it are taken as usual. The
        receipt's id covers the entity, who asked, why, and what was deleted.

        An erasure that was interrupted is finished by asking again.

        example:
          kassa erase -e customer=c-7 --reason "request 2026-118"
        """,
    flags: [entityFlag, actorFlag, requiredReasonFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let entities = try NamedText.entities(arguments)
        guard entities.count == 1 else {
            throw .usage("one entity at a time, so that each has a receipt of its own")
        }
        let request = KassaV1.EraseRequest(
            entity: KassaV1.EntityKey(kind: entities[0].name, id: entities[0].text),
            actor: arguments.actor, reason: try arguments.requiredReason())
        // All rows of a kind may have to be looked at.
        let client = try arguments.connect(timeoutMilliseconds: 600_000)
        let response: KassaV1.EraseResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.FeaturesService.erase, request)
        }
        let receipt = ReceiptText(
            entity: "\(entities[0].name)=\(entities[0].text)", response: response)
        if arguments.has(jsonFlag.name) {
            print(receipt.tree.json())
        } else {
            receipt.lines.forEach { print($0) }
        }
    })
