// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Crypto
internal import Documents

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

        example:
          kassa model upload abandonment.model.yaml
        """,
    flags: [
        serverFlag,
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
        print("    \(spec.byteCount) bytes, sha256 \(hexadecimal(spec.sha256))")
    })

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
