// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Files

private let fileFlag = Flag(
    name: "--file", short: "-f", value: "FILE", help: "A YAML file of documents; repeatable.",
    isRepeatable: true)

let applyCommand = Command(
    name: "apply",
    operands: "-f FILE",
    summary: "Put feature sets and scorers in force.",
    discussion: """
        Reads the documents of all files and applies them together: either all of them are in
        force afterwards, as one new epoch, or nothing has changed. Prints a plan:

          + feature_set cart@1           is new
          ~ scorer cart_abandonment      changes, and how
          = feature_set customer@3       unchanged

        Applying the same files again changes nothing. What is not in the files stays as it is.

        examples:
          kassa apply -f checkout.yaml
          kassa apply -f checkout.yaml -f scorer.yaml --dry-run
          kassa apply -f scorer.yaml --expected-epoch 4 --reason "new model"
        """,
    flags: [fileFlag, dryRunFlag, actorFlag, reasonFlag, epochFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let paths = arguments.values(fileFlag.name)
        guard !paths.isEmpty else {
            throw .usage("name at least one file: kassa apply -f checkout.yaml")
        }
        var request = KassaV1.ApplyRequest()
        var places: [DocumentPlace] = []
        for path in paths {
            let documents = try resources(inFile: path)
            request.documents += documents
            places += documents.map { DocumentPlace($0, file: path) }
        }
        request.dryRun = arguments.has(dryRunFlag.name)
        request.actor = arguments.actor
        request.reason = arguments.reason
        request.expectedEpoch = try arguments.integer(epochFlag.name, in: 0...UInt64.max)
        let client = try arguments.connect()
        let response: KassaV1.ApplyResponse
        do throws(ClientError) {
            response = try client.call(KassaV1.ConfigService.apply, request)
        } catch {
            if case .status(let status, let message) = error {
                throw .failed(
                    "\(status.name): \(DocumentPlace.naming(places, in: message))")
            }
            return try asking { () throws(ClientError) in throw error }
        }
        let plan = PlanText(response: response, isDryRun: request.dryRun)
        if arguments.has(jsonFlag.name) {
            print(plan.tree.json())
        } else {
            Screen.print(plan.lines)
        }
    })

private func resources(inFile path: String) throws(CommandError) -> [KassaV1.Document] {
    let bytes = try bytes(ofFile: path, byteCountMax: documentFileByteCountMax)
    do throws(DocumentError) {
        return try DocumentFile.resources(in: bytes.span)
    } catch {
        throw .failed(error.description(file: path))
    }
}
