// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Crypto
internal import Documents

private let goldenFlag = Flag(
    name: "--golden", value: "FILE", help: "The golden rows; instead of those that FILE names.")

let modelUploadCommand = Command(
    name: "model upload",
    operands: "FILE",
    operandCount: 1...1,
    summary: "Bring in a model: its description and its artefact.",
    discussion: """
        FILE is a YAML document of kind model. It names the artefact's file (relative to its own
        folder) and the features that are the model's inputs, in the artefact's order. The server
        verifies everything before the model exists; uploading the same model again is no error.
        A scorer then names the model: `kassa apply`.

        A model needs golden rows, 1 to 1,000: inputs with the score that the trainer got for them.
        The server computes them now and at every start, and serves no model that fails. They are
        in a file of JSON Lines, named under golden in FILE or by --golden:

          {"values": {"cart_items": 3, "device": "mobile"}, "score": 0.727611542}
          {"row": [3, 1, null], "margin": 0.98, "tolerance": 1e-5}

        examples:
          kassa model upload abandonment.model.yaml
          kassa model upload abandonment.model.yaml --golden rows.jsonl
        """,
    flags: [
        serverFlag, goldenFlag,
        Flag(
            name: timeoutFlag.name, value: timeoutFlag.value,
            help: "How long to wait for progress or the answer; 2m by default."),
        jsonFlag, actorFlag, reasonFlag,
    ],
    run: { arguments throws(CommandError) in
        let path = arguments.operands[0]
        let bytes = try bytes(ofFile: path, byteCountMax: documentFileByteCountMax)
        let document: ModelDocument
        do throws(DocumentError) {
            document = try DocumentFile.model(in: bytes.span)
        } catch {
            throw .failed(error.description(file: path))
        }
        let artefact = try ArtefactFile(document.artefactPath(besides: path))
        var spec = document.spec
        (spec.sha256, spec.byteCount) = try artefact.digest()
        try addRows(of: document, besides: path, given: arguments.value(goldenFlag.name), to: &spec)
        let client = try arguments.connect(timeoutMilliseconds: 120_000)
        let header = KassaV1.UploadRequest(
            part: .spec(spec), actor: arguments.actor, reason: arguments.reason)
        let response = try upload(header, artefact, to: client)
        let info = response.model ?? KassaV1.ModelInfo()
        if arguments.has(jsonFlag.name) {
            let tree = Tree.map([
                .init("model", .text(info.title)),
                .init("already_present", .flag(response.alreadyPresent)),
                .init("sha256", .text(hexadecimal(spec.sha256))),
                .init("byte_count", .unsigned(spec.byteCount)),
                .init("trees", .integer(Int64(info.trees))),
                .init("nodes", .integer(Int64(info.nodes))),
                .init("depth", .integer(Int64(info.depth))),
                .init("objective", .text(info.objective)),
            ])
            print(tree.json())
            return
        }
        print(
            "\(response.alreadyPresent ? "= " : "+ ")model \(info.title)"
                + (response.alreadyPresent ? " already there" : ""))
        print(
            "    \(info.objective), \(counted(Int(info.trees), "tree")) of depth \(info.depth),"
                + " \(counted(Int(info.nodes), "node")),"
                + " \(counted(spec.inputs.count, "input"))")
        Screen.print(["    \(spec.byteCount) bytes, sha256 \(hexadecimal(spec.sha256))"])
    })

/// Reads the files of golden rows and histograms that the model's file names, or the caller.
private func addRows(
    of document: ModelDocument, besides file: String, given: String?,
    to spec: inout KassaV1.ModelSpec
) throws(CommandError) {
    func read<Rows>(
        _ path: String, _ parse: (Span<UInt8>) throws(DocumentError) -> Rows
    ) throws(CommandError) -> Rows {
        let bytes = try bytes(ofFile: path, byteCountMax: documentFileByteCountMax)
        do throws(DocumentError) {
            return try parse(bytes.span)
        } catch {
            throw .failed(error.description(file: path))
        }
    }
    let named = document.golden.isEmpty ? nil : ModelDocument.path(document.golden, besides: file)
    if let path = given ?? named {
        spec.golden = try read(path) { bytes throws(DocumentError) in
            try GoldenFile.rows(in: bytes)
        }
    }
    if !document.histograms.isEmpty {
        let path = ModelDocument.path(document.histograms, besides: file)
        (spec.histograms, spec.scoreHistogram) = try read(path) { bytes throws(DocumentError) in
            try GoldenFile.histograms(in: bytes)
        }
    }
}

/// Sends the header and the artefact's chunks; the server may refuse before it has them all.
private func upload(
    _ header: KassaV1.UploadRequest, _ artefact: borrowing ArtefactFile, to client: Client
) throws(CommandError) -> KassaV1.UploadResponse {
    let stream = try asking { () throws(ClientError) in
        try ClientUpload(client, KassaV1.ModelsService.upload)
    }
    var goesOn = try asking { () throws(ClientError) in
        try stream.send(header)
    }
    var offset = 0
    while goesOn, let chunk = try artefact.chunk(at: offset) {
        offset += chunk.count
        goesOn = try asking { () throws(ClientError) in
            try stream.send(KassaV1.UploadRequest(part: .chunk(chunk)))
        }
    }
    return try asking { () throws(ClientError) in try stream.finish() }
}
