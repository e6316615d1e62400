// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Client
internal import Documents
internal import Files
internal import Glibc
internal import Loading

private let formatFlag = Flag(
    name: "--format", value: "FORMAT", help: "csv or jsonl; else by the file's name.")
private let keyFlag = Flag(
    name: "--key", value: "KIND=COLUMN", help: "The column with the ids of an entity kind.",
    isRepeatable: true)
private let mapFlag = Flag(
    name: "--map", value: "FEATURE=COLUMN", help: "The column with the values of a feature.",
    isRepeatable: true)
private let timeFlag = Flag(
    name: "--time", value: "COLUMN", help: "The column with the event times; else all are now.")
private let timeFormatFlag = Flag(
    name: "--time-format", value: "FORMAT",
    help: "date (RFC 3339, or ending in UTC), s, ms or us; date by default.")
private let emptyFlag = Flag(
    name: "--empty-is-null", help: "An empty field is a null, instead of nothing said.")
private let nullFlag = Flag(
    name: "--null", value: "TEXT", help: "A text that means null, such as NULL.")
private let delimiterFlag = Flag(
    name: "--delimiter", value: "BYTE", help: "What stands between fields of CSV, or tab.")
private let rejectsFlag = Flag(
    name: "--rejects", value: "FILE", help: "List rows that are not loaded, with their reasons.")
private let rejectsMaxFlag = Flag(
    name: "--rejects-max", value: "N", help: "Stop when more rows are rejected.")
private let stateFlag = Flag(
    name: "--state", value: "FILE", help: "How far the load is; FILE.load beside it by default.")
private let resumeFlag = Flag(name: "--resume", help: "Go on with an interrupted load.")
private let durableFlag = Flag(
    name: "--durable", help: "Have every batch survive a power cut before the next.")
private let inFlightFlag = Flag(
    name: "--in-flight", value: "N", help: "Batches on their way at once; 4 by default.")
let generationFlag = Flag(
    name: "--generation", help: "Load into a new generation beside the live rows.")

let loadCommand = Command(
    name: "load",
    operands: "SET FILE",
    operandCount: 2...2,
    summary: "Load rows of a feature set from a CSV or JSON Lines file.",
    discussion: """
        The file is read in constant memory (about 300 MB with --generation, which sorts the rows
        by key and may need as much disk as the file has). A column goes to the entity kind or
        feature of its name, unless --key or --map says otherwise; values are read as the types
        that the features are declared with, vectors and lists from JSON arrays. A row that does
        not fit is rejected by itself, with its line and the reason, and the others are loaded. An
        empty field says nothing about its feature; null in JSON says that the value is known to
        be absent.

        At the end rows read = applied + ignored (older, or of erased entities) + rejected, or the
        load has failed. An interrupted load goes on with --resume from the last row that is
        stored durably.

        With --generation the rows make a new generation, which serves nothing until
        `kassa generation check` and `kassa generation switch`.

        examples:
          kassa load cart carts.csv --key session=session_id --time updated_at
          kassa load cart carts.jsonl --rejects rejects.jsonl --rejects-max 1000
          kassa load cart carts.csv --resume
        """,
    flags: [
        formatFlag, keyFlag, mapFlag, timeFlag, timeFormatFlag, emptyFlag, nullFlag, delimiterFlag,
        generationFlag, rejectsFlag, rejectsMaxFlag, stateFlag, resumeFlag, durableFlag,
        inFlightFlag,
    ] + serverFlags,
    run: { arguments throws(CommandError) in
        FreedMemory.keep()
        let path = arguments.operands[1]
        var options = try loadOptions(arguments)
        let format = try loadFormat(arguments, path: path)
        let client = try arguments.connect(timeoutMilliseconds: 60_000)
        let spec = try DeclaredFeatures.featureSet(arguments.operands[0], from: client)
        let statePath = arguments.value(stateFlag.name) ?? "\(path).load"
        let isResumed = arguments.has(resumeFlag.name)
        var plan = loadPlan(spec, options, format)
        var state = LoadState()
        if isResumed {
            guard let found = try LoadState.read(statePath) else {
                throw .failed("there is no interrupted load: \(statePath) does not exist")
            }
            state = found
            if state.generation > 0 { plan += sortedPlan }
            guard state.plan == plan else {
                throw .failed(
                    "\(statePath) is of a load with another feature set, format or columns")
            }
        } else {
            if arguments.has(generationFlag.name) { plan += sortedPlan }
            state.plan = plan
            state.defaultTimeMicroseconds = Int(Timestamp.now().microseconds)
        }
        options.defaultTimeMicroseconds = Int64(state.defaultTimeMicroseconds)
        // The file is read before anything is asked of the server, so that a wrong one changes nothing.
        var reader = try batchReader(path, format, spec, options)
        if isResumed, reader.identity != state.identity {
            throw .failed("\(path) is not the file that was being loaded, or it has changed since")
        }
        state.identity = reader.identity
        if arguments.has(generationFlag.name), !isResumed {
            let generation = try beginGeneration(of: spec, from: client)
            state.generation = Int(clamping: generation.id)
            // Live writes of the meantime are newer than rows without a time of their own.
            state.defaultTimeMicroseconds = Int(generation.createdAtUs)
            options.defaultTimeMicroseconds = generation.createdAtUs
            reader = try batchReader(path, format, spec, options)
        }
        try state.write(to: statePath)
        if state.generation > 0 { try sort(&reader, besides: statePath) }
        for column in reader.ignoredColumns.prefix(20) {
            printError("kassa: nothing is taken from column \(ValueText.printable(column))")
        }
        let rejects: RejectsFile? =
            if let path = arguments.value(rejectsFlag.name) {
                try RejectsFile(path, keeping: state.rejectsByteCount)
            } else { nil }
        var run = LoadRun(
            client: client, reader: reader, state: state, statePath: statePath, rejects: rejects,
            isDurable: arguments.has(durableFlag.name),
            inFlightMax: try arguments.integer(inFlightFlag.name, in: 1...64, default: 4),
            rejectsMax: try arguments.integer(
                rejectsMaxFlag.name, in: 0...Int.max, default: Int.max))
        try run.run()
        let report = LoadReport(
            file: path, featureSet: "\(spec.name)@\(spec.version)", state: run.state,
            reasons: run.reasons, seconds: run.progress.seconds, rowsBefore: state.read)
        if arguments.has(jsonFlag.name) {
            print(report.tree.json())
        } else {
            report.lines.forEach { print($0) }
        }
        try report.reconcile(contradictions: run.contradictions)
        do throws(FileError) {
            try Files.remove(statePath)
        } catch {
            throw .failed("\(error)")
        }
    })

private func loadOptions(_ arguments: Arguments) throws(CommandError) -> LoadOptions {
    var options = LoadOptions()
    for word in arguments.values(keyFlag.name) {
        let key = try NamedText(word, form: "KIND=COLUMN, such as session=session_id")
        options.keyColumns[key.name] = key.text
    }
    for word in arguments.values(mapFlag.name) {
        let map = try NamedText(word, form: "FEATURE=COLUMN, such as cart_value=total")
        options.featureColumns[map.name] = map.text
    }
    options.timeColumn = arguments.value(timeFlag.name)
    if let text = arguments.value(timeFormatFlag.name) {
        guard let format = TimeFormat(rawValue: text) else {
            throw .usage("--time-format must be date, s, ms or us, not \"\(text)\"")
        }
        options.timeFormat = format
    }
    options.emptyIsNull = arguments.has(emptyFlag.name)
    options.nullText = arguments.value(nullFlag.name)
    if let text = arguments.value(delimiterFlag.name) {
        let bytes = Array(text == "tab" ? "\t".utf8 : text.utf8)
        guard bytes.count == 1, ![0x0A, 0x0D, 0x22].contains(bytes[0]) else {
            throw .usage("--delimiter must be one byte, such as ; or tab")
        }
        options.delimiter = bytes[0]
    }
    return options
}

private func loadFormat(
    _ arguments: Arguments, path: String
) throws(CommandError) -> LoadFormat {
    if let text = arguments.value(formatFlag.name) {
        guard let format = LoadFormat(rawValue: text) else {
            throw .usage("--format must be csv or jsonl, not \"\(text)\"")
        }
        return format
    }
    guard let format = LoadFormat(path: path) else {
        throw .usage("the name \(path) does not tell the format: add --format csv or jsonl")
    }
    return format
}

/// What a generation's plan says besides: how far such a load is says a number of rows by key.
private let sortedPlan = "; by key"

/// Sorts the rows for a generation, whose pages are then filled one after the other.
private func sort(
    _ reader: inout BatchReader, besides statePath: String
) throws(CommandError) {
    do throws(LoadError) {
        try reader.sort(spillPath: "\(statePath).sort.\(getpid())")
    } catch {
        throw .failed("\(error)")
    }
}

/// What is loaded, in words: an interrupted load goes on only with the same.
private func loadPlan(
    _ spec: KassaV1.FeatureSetSpec, _ options: LoadOptions, _ format: LoadFormat
) -> String {
    var parts = ["\(spec.name)@\(spec.version)", format.rawValue]
    parts += options.keyColumns.sorted { $0.key < $1.key }.map { "key \($0.key)=\($0.value)" }
    parts += options.featureColumns.sorted { $0.key < $1.key }.map { "map \($0.key)=\($0.value)" }
    if let column = options.timeColumn { parts.append("time \(column) \(options.timeFormat)") }
    if options.emptyIsNull { parts.append("empty is null") }
    if let text = options.nullText { parts.append("null \(text)") }
    parts.append("delimiter \(options.delimiter)")
    return parts.joined(separator: "; ")
}

private func batchReader(
    _ path: String, _ format: LoadFormat, _ spec: KassaV1.FeatureSetSpec, _ options: LoadOptions
) throws(CommandError) -> BatchReader {
    do throws(LoadError) {
        return try BatchReader(path, format: format, LoadSchema(spec, options))
    } catch {
        throw .failed("\(error)")
    }
}

private func beginGeneration(
    of spec: KassaV1.FeatureSetSpec, from client: Client
) throws(CommandError) -> KassaV1.GenerationInfo {
    let response: KassaV1.BeginGenerationResponse = try asking { () throws(ClientError) in
        try client.call(
            KassaV1.GenerationsService.begin,
            KassaV1.BeginGenerationRequest(
                featureSet: spec.name, actor: environment("USER") ?? "", reason: "kassa load"))
    }
    guard let generation = response.generation else {
        throw .failed("the server has answered without a generation")
    }
    return generation
}
