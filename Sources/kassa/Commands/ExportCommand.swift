// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Glibc

private let labelsFlag = Flag(
    name: "--labels", value: "FILE", help: "The label rows: CSV with a header. Required.")
private let timeColumnFlag = Flag(
    name: "--as-of", value: "COLUMN",
    help: "The label column with each row's time: RFC 3339 or microseconds. Required.")
private let keyFlag = Flag(
    name: "--key", value: "KIND=COLUMN",
    help: "The label column with the ids of an entity kind; by default the one named as the kind.",
    isRepeatable: true)
private let outFlag = Flag(
    name: "--out", value: "FILE", help: "Where the rows go; standard output by default.")
private let statusesFlag = Flag(
    name: "--statuses", help: "A column beside each feature that says how honest its value is.")

let exportCommand = Command(
    name: "export",
    operands: "SET... --labels FILE --as-of COLUMN",
    operandCount: 1...64,
    summary: "Join features to a file of labels, as they were at each row's time.",
    discussion: """
        Writes CSV: the columns of the label file as they are, then one for each feature, named
        "cart@3.items". A value is what serving would have given a model at that time, with the
        declared defaults and policies; nothing is from after it. Where a model would have seen
        "missing" the cell is empty; an empty text is "" in quotes. A vector has a column for each
        component, a list of strings is a JSON array.

        The feature sets must declare a history that goes back as far as the labels do. Rows come in the
        order of the label file, each once; the counts are compared at the end. A file for --out
        appears when it is whole, or not at all.

        examples:
          kassa export session_behaviour --labels orders.csv --as-of decided_at --out rows.csv
          kassa export cart customer --labels l.csv --as-of time --key customer=user_id --statuses
        """,
    flags: [labelsFlag, timeColumnFlag, keyFlag, outFlag, statusesFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        guard let path = arguments.value(labelsFlag.name) else {
            throw .usage("name the file of labels: --labels labels.csv")
        }
        guard let timeColumn = arguments.value(timeColumnFlag.name) else {
            throw .usage("name the label column that says when: --as-of decided_at")
        }
        var keys: [NamedText] = []
        for word in arguments.values(keyFlag.name) {
            let key = try NamedText(word, form: "KIND=COLUMN, such as customer=user_id")
            guard !keys.contains(where: { $0.name == key.name }) else {
                throw .usage("--key \(key.name) was given twice")
            }
            keys.append(key)
        }
        let out = arguments.value(outFlag.name)
        guard out != nil || !arguments.has(jsonFlag.name) else {
            throw .usage("--json prints the counts: it needs --out FILE for the rows")
        }
        var labels = try LabelFile(path)
        let client = try arguments.connect()
        let source = try ExportSource(
            arguments.operands, keyColumns: keys, timeColumn: timeColumn, of: labels, from: client)
        var output = try OutputFile(out)
        var export = Export(source, withStatuses: arguments.has(statusesFlag.name))
        // Only a person looks at a line that changes.
        let isWatched = out != nil && isatty(STDERR_FILENO) == 1
        try export.run(&labels, from: client, into: &output) { count in
            if isWatched { printError("\u{1B}[1A\u{1B}[2K\(count) rows") }
        }
        try output.finish()
        let summary = ExportText(export, out: out)
        if arguments.has(jsonFlag.name) {
            print(summary.tree.json())
        } else {
            summary.lines.forEach { printError($0) }
        }
    })
