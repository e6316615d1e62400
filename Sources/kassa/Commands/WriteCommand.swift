// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Wire

private let durableFlag = Flag(
    name: "--durable", help: "Wait until the row survives a power cut.")

private let eventTimeFlag = Flag(
    name: "--event-time", value: "TIME",
    help: "When the values became true, RFC 3339 or microseconds; now by default.")
private let writeIDFlag = Flag(
    name: "--write-id", value: "ID",
    help: "Makes a retry safe: the same id is answered as the first time, for a day.")

let writeCommand = Command(
    name: "write",
    operands: "SET -e KIND=ID... NAME=VALUE...",
    operandCount: 2...1_001,
    summary: "Write one row of a feature set.",
    discussion: """
        SET may end in a version, such as cart@3; without one it is the newest. Features that are
        not named keep their values. A value is read as the type that its feature is declared
        with: a number, a whole number, true or false, or text as it stands; null says that the
        value is known to be absent. Of each feature the value with the later event time wins, in
        whatever order they are written.

        examples:
          kassa write session_behaviour -e session=s-81 cart_items=3 cart_value=84.90
          kassa write customer_profile -e customer=c-7 segment=loyal orders=12 --durable
          kassa write cart -e session=s-81 items=3 --event-time 2026-11-20T12:00:00Z --write-id m-17
        """,
    flags: [entityFlag, eventTimeFlag, writeIDFlag, durableFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let set = arguments.operands[0]
        let entities = try NamedText.entities(arguments)
        var values: [NamedText] = []
        for word in arguments.operands.dropFirst() {
            let value = try NamedText(word, form: "NAME=VALUE, such as cart_items=3")
            guard !values.contains(where: { $0.name == value.name }) else {
                throw .usage("\(value.name) was given twice")
            }
            values.append(value)
        }
        let eventTime = try arguments.time(eventTimeFlag.name)
        let client = try arguments.connect()
        let spec = try DeclaredFeatures.featureSet(set, from: client)
        let declared = DeclaredFeatures([spec])
        var request = KassaV1.WriteRequest()
        // The version whose types were read, also if a newer one comes meanwhile.
        request.featureSet = "\(spec.name)@\(spec.version)"
        request.keys = entities.map { KassaV1.KeyColumn(kind: $0.name, ids: [$0.text]) }
        for value in values {
            let type = try declared.type(of: value.name, in: request.featureSet)
            request.columns.append(
                try TypedValue(value, type: type).column(value.name, type: type))
        }
        if let eventTime { request.eventTimeUs = [eventTime] }
        request.writeId = arguments.value(writeIDFlag.name) ?? ""
        request.durability = arguments.has(durableFlag.name) ? .durable : .fast
        let response: KassaV1.WriteResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.FeaturesService.write, request)
        }
        if let error = response.errors.first {
            throw .failed("\(error.field): \(error.reason)")
        }
        let text = WriteText(
            row: entities.map { "\($0.name)=\($0.text)" }.joined(separator: " "),
            valueCount: values.count, response: response)
        print(arguments.has(jsonFlag.name) ? text.tree.json() : text.line)
    })
