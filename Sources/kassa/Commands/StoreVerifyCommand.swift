// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import Engine
internal import Glibc

private let dataFlag = Flag(
    name: "--data", value: "FOLDER",
    help: "Look at this folder, which no server has open; else a server is asked.")
private let rateFlag = Flag(
    name: "--rate-mib", value: "N",
    help: "Have the server look at N MiB a second at most; without, as fast as it goes.")
private let noWaitFlag = Flag(
    name: "--no-wait", help: "Only start it; `kassa store stats` shows the result.")

let storeVerifyCommand = Command(
    name: "store verify",
    summary: "Look at every stored entry and every model's artefact.",
    discussion: """
        Checks the checksum and layout of every row, reads every document, and compares every
        artefact with its SHA-256. A running server does it in the background and goes on serving;
        a second call joins the one under way. With --data, a folder is looked through that no server
        has open: its data file is only read. Damage in rows is found and counted; a damaged page of
        the file's own tree may end this program. Exit code 1 means that something is wrong: restore
        the newest snapshot that is sound.

        examples:
          kassa store verify
          kassa store verify --rate-mib 50
          kassa store verify --data /var/lib/kassa
        """,
    flags: [dataFlag, rateFlag, noWaitFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let report: KassaV1.ScanReport
        if let folder = arguments.value(dataFlag.name) {
            for flag in [serverFlag, rateFlag, noWaitFlag] where arguments.has(flag.name) {
                throw .usage("--data looks at a closed folder; it does not go with \(flag.name)")
            }
            report = try working { () throws(EngineError) in try ClosedStore.verify(folder) }
        } else {
            guard let found = try askServer(arguments) else { return }
            report = found
        }
        if arguments.has(jsonFlag.name) {
            print(report.tree.json())
        } else {
            StoreText.lines(report).forEach { print($0) }
        }
        guard report.sound else {
            fflush(nil)
            throw .failed("the store is not sound: \(StoreText.summary(report))")
        }
        if !arguments.has(jsonFlag.name) { print(StoreText.summary(report)) }
    })

/// Runs work on a closed folder; its failure becomes the command's.
func working<Answer>(
    _ body: () throws(EngineError) -> Answer
) throws(CommandError) -> Answer {
    do throws(EngineError) {
        return try body()
    } catch {
        throw .failed(error.reason)
    }
}

/// Has a server look, and waits for the end; nil if there was no wait.
private func askServer(_ arguments: Arguments) throws(CommandError) -> KassaV1.ScanReport? {
    let rate = try arguments.integer(rateFlag.name, in: 1...1_000_000, default: 0)
    let client = try arguments.connect()
    func ask(_ request: KassaV1.VerifyStoreRequest) throws(CommandError) -> KassaV1.ScanReport {
        let response: KassaV1.VerifyStoreResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.StorageService.verify, request)
        }
        guard let report = response.report else {
            throw .failed("the server was started again meanwhile; ask once more")
        }
        return report
    }
    var report = try ask(KassaV1.VerifyStoreRequest(bytesPerSecond: UInt64(rate) << 20))
    if arguments.has(noWaitFlag.name) {
        print(
            arguments.has(jsonFlag.name)
                ? report.tree.json() : "started: `kassa store stats` shows how far it is")
        return nil
    }
    let number = report.number
    let showsProgress = isatty(STDERR_FILENO) == 1
    while report.finishedAtUs == 0 {
        if showsProgress { printProgress(report) }
        usleep(100_000)
        report = try ask(KassaV1.VerifyStoreRequest(onlyStatus: true))
        guard report.number == number else {
            throw .failed("another verification has begun; `kassa store stats` shows it")
        }
    }
    if showsProgress { printError("\r\u{1B}[K") }
    return report
}

private func printProgress(_ report: KassaV1.ScanReport) {
    var line = "\r\u{1B}[K\(report.entries) of \(report.entriesExpected) entries"
    // Safe: the bytes are valid during the call.
    _ = line.withUTF8 { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
