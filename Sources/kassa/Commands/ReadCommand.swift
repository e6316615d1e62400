// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Wire

private let featureFlag = Flag(
    name: "--feature", value: "NAME", help: "Only this feature; repeatable.", isRepeatable: true)

private let asOfFlag = Flag(
    name: "--as-of", value: "TIME",
    help: "Values, statuses and ages as they were then; RFC 3339 or microseconds.")

let readCommand = Command(
    name: "read",
    operands: "SET -e KIND=ID...",
    operandCount: 1...1,
    summary: "Read the features of one entity, with statuses and ages.",
    discussion: """
        SET may end in a version, such as cart@3; without one it is the newest. STATUS says how
        honest a value is:

          PRESENT     a stored value               STALE       older than the feature's max_age
          NULL        an explicit null             EXPIRED     older than the feature set's ttl
          NO_ENTITY   the entity has no row        DEFAULTED   the declared default stands in
          NO_FEATURE  the row has no such value    INVALID     the stored value is damaged

        With --as-of only feature sets that declare a history can be read, as far back as it goes.

        examples:
          kassa read session_behaviour -e session=s-81
          kassa read customer_profile -e customer=c-7 --feature orders --feature segment
          kassa read session_behaviour -e session=s-81 --as-of 2026-11-20T12:00:00Z
        """,
    flags: [entityFlag, featureFlag, asOfFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let entities = try NamedText.entities(arguments)
        let request = KassaV1.ReadRequest(
            keys: entities.map { KassaV1.KeyColumn(kind: $0.name, ids: [$0.text]) },
            selections: [
                KassaV1.FeatureSelection(
                    featureSet: arguments.operands[0], features: arguments.values(featureFlag.name))
            ], asOfUs: try arguments.time(asOfFlag.name))
        let client = try arguments.connect()
        let response: KassaV1.ReadResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.FeaturesService.read, request)
        }
        guard let set = response.featureSets.first else {
            throw .failed("the server has answered without the feature set")
        }
        let cells = set.columns.map(ReadCell.init)
        if arguments.has(jsonFlag.name) {
            var entries: [Tree.Entry] = [
                .init("feature_set", .text(set.featureSet)),
                .init("epoch", .unsigned(response.epoch)),
            ]
            if let time = request.asOfUs { entries.append(.init("as_of_us", .integer(time))) }
            entries.append(.init("features", .list(cells.map(\.tree))))
            print(Tree.map(entries).json())
            return
        }
        let row = entities.map { "\($0.name)=\($0.text)" }.joined(separator: " ")
        let time = request.asOfUs.map { " as of \(TimeText.text(microseconds: $0))" } ?? ""
        print("\(set.featureSet) \(row)\(time)")
        FeatureTable(cells).print()
    })
