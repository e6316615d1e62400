// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Documents
internal import Files
internal import Glibc
internal import Server
internal import Webhook

/// What a build calls itself.
let kassaVersion = "0.1.0"

let serveCommand = Command(
    name: "serve",
    summary: "Run the server until it is told to stop.",
    discussion: """
        Without flags it serves gRPC on \(defaultServer), metrics and health probes on
        http://127.0.0.1:6751, and keeps its data in ./kassa-data. SIGTERM or SIGINT drains it: health
        says NOT_SERVING, open calls finish, queued writes are synced, and the exit code is 0. A second
        signal ends it at once, with 128 and the signal's number. SIGHUP does nothing: settings are read at
        start.

        A file for --config holds the same settings, named as the flags are; flags win:

          data: /var/lib/kassa
          listen: 127.0.0.1:6750
          loops: 2
          webhook_url: https://pager.example/kassa
          webhook_secret_file: /etc/kassa/webhook.secret

        Alarms go to standard error, a line each (a sentence on a terminal, else JSON), and to the
        webhook as signed POSTs. Who can read the secret can sign as Kassa does, so its file must be its
        owner's alone (chmod 600).

        There is no authentication yet: listen on loopback, or on a network that you trust.
        """,
    flags: [
        Flag(name: "--config", value: "FILE", help: "A YAML file of settings."),
        Flag(name: "--data", value: "FOLDER", help: "Where everything is kept (./kassa-data)."),
        Flag(
            name: "--listen", value: "ADDRESS:PORT",
            help: "Where gRPC is served (\(defaultServer)); port 0 takes a free one."),
        Flag(
            name: "--admin", value: "ADDRESS:PORT",
            help: "Where metrics and health are served (127.0.0.1:6751)."),
        Flag(name: "--loops", value: "N", help: "Event loops (one per core)."),
        Flag(
            name: "--poll-us", value: "N",
            help: "Microseconds that an idle loop polls before it sleeps (50)."),
        Flag(
            name: "--sweep-seconds", value: "N",
            help: "Rest between two sweeps for expired rows (600); 0 means never."),
        Flag(name: "--map-gib", value: "N", help: "Address space of the store in GiB (64)."),
        Flag(name: "--map-mib", value: "N", help: "The same in MiB, for small machines."),
        Flag(
            name: "--map-max-gib", value: "N",
            help: "What it may grow to, doubling when nearly full; else it stays."),
        Flag(
            name: "--scrub-hours", value: "N",
            help: "Hours for a look at every stored entry (24); 0 only when asked."),
        Flag(
            name: "--alarm-log", value: "FORM",
            help: "Alarms on standard error: json, text or auto (text on a terminal)."),
        Flag(
            name: "--webhook-url", value: "URL",
            help: "Where alarms are posted to, http or https; needs a secret."),
        Flag(
            name: "--webhook-secret-file", value: "FILE",
            help: "Key of the signatures, 16 bytes or more; mode 0600."),
        Flag(
            name: "--webhook-ca-file", value: "FILE",
            help: "Certificates (PEM) to trust instead of the system's."),
        Flag(
            name: "--webhook-timeout-ms", value: "N",
            help: "Milliseconds that a post may take (5000)."),
    ],
    run: serve)

@Sendable private func serve(_ typed: Arguments) throws(CommandError) {
    let arguments = typed.withDefaults(try settings(of: typed.value("--config")))
    var configuration = ServerConfiguration()
    configuration.version = kassaVersion
    if let folder = arguments.value("--data") { configuration.dataFolder = folder }
    if let text = arguments.value("--listen") {
        (configuration.address, configuration.port) = try endpoint(text, of: "--listen")
    }
    if let text = arguments.value("--admin") {
        (configuration.adminAddress, configuration.adminPort) = try endpoint(text, of: "--admin")
    }
    let cores = max(1, min(64, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    configuration.loopCount = try arguments.integer("--loops", in: 1...64, default: cores)
    configuration.pollMicroseconds = UInt64(
        try arguments.integer("--poll-us", in: 0...1_000_000, default: 50))
    configuration.sweepSeconds = try arguments.integer(
        "--sweep-seconds", in: 0...86_400, default: 600)
    configuration.mapBytes = try arguments.integer("--map-gib", in: 1...65_536, default: 64) << 30
    if let mebibytes = try arguments.integer("--map-mib", in: 1...65_536) {
        configuration.mapBytes = mebibytes << 20
    }
    configuration.mapBytesMax =
        try arguments.integer("--map-max-gib", in: 1...65_536, default: 0) << 30
    configuration.scrubHours = try arguments.integer("--scrub-hours", in: 0...8_760, default: 24)
    if let text = arguments.value("--alarm-log") {
        guard let form = AlarmText(rawValue: text) else {
            throw .usage("--alarm-log must be one of auto, json, text")
        }
        configuration.alarmText = form
    }
    configuration.webhook = try webhook(arguments)
    FreedMemory.keep()
    // For tests alone; CONTRIBUTING.md lists the points.
    if let point = unsafe getenv("KASSA_KILL_AT") {
        configuration.killAt = unsafe String(cString: point)
        printError("KASSA_KILL_AT: this server is going to kill itself, to be tested")
    }
    // Whoever reads the output may go first; the server ends when it is told to, and in order.
    Glibc.signal(SIGPIPE, SIG_IGN)
    // Nothing is read anew, and a terminal that goes is no reason to go.
    Glibc.signal(SIGHUP, SIG_IGN)
    // Blocked before any thread starts, so that all inherit it and only sigwait takes a signal.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    let server: Server
    do throws(ServerError) {
        server = try Server(configuration)
    } catch {
        throw .failed(error.description)
    }
    server.start()
    print("kassa \(kassaVersion), data in \(configuration.dataFolder)")
    print("listening on \(configuration.address):\(server.port)")
    print("admin on http://\(configuration.adminAddress):\(server.adminPort)")
    for warning in server.warnings { printError("warning: \(warning)") }
    // A supervisor reads these lines from a pipe, to learn the ports.
    fflush(nil)
    var signal: Int32 = 0
    unsafe sigwait(&signals, &signal)
    print("draining: open calls finish, queued writes are synced")
    // Who asks again does not want to wait for open calls: from here on a signal ends the process.
    for number in [SIGTERM, SIGINT] {
        _ = Glibc.signal(number) { number in _exit(128 + number) }
    }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    server.drain()
    print("stopped")
}

/// The settings of a configuration file, by the flags that they stand for.
private func settings(of path: String?) throws(CommandError) -> [String: String] {
    guard let path else { return [:] }
    let keys = serveCommand.flags.filter { $0.name != "--config" && $0.value != nil }.map {
        String($0.name.dropFirst(2)).replacing("-", with: "_")
    }
    let bytes = try bytes(ofFile: path, byteCountMax: YAMLLimits.bytesMax)
    let settings: [String: String]
    do throws(DocumentError) {
        settings = try SettingsFile.settings(in: bytes.span, keys: keys)
    } catch {
        throw .failed(error.description(file: path))
    }
    return Dictionary(
        uniqueKeysWithValues: settings.map { key, value in
            ("--" + key.replacing("_", with: "-"), value)
        })
}

/// Where alarms go to, if a webhook was named.
private func webhook(_ arguments: Arguments) throws(CommandError) -> WebhookSettings? {
    guard let url = arguments.value("--webhook-url") else {
        let flags = ["--webhook-secret-file", "--webhook-ca-file", "--webhook-timeout-ms"]
        if let flag = flags.first(where: arguments.has) {
            throw .usage("\(flag) says something about a webhook; name it with --webhook-url")
        }
        return nil
    }
    guard let path = arguments.value("--webhook-secret-file") else {
        throw .usage(
            "--webhook-url needs --webhook-secret-file: a post that is not signed proves nothing")
    }
    var secret: [UInt8]
    do throws(FileError) {
        // Whoever wrote the file with an editor left an end of line.
        secret = try Files.read(
            path, byteCountMax: WebhookLimits.secretByteCounts.upperBound + 2, isSecret: true)
        // libcurl would only find out at the first alarm.
        if let path = arguments.value("--webhook-ca-file") {
            _ = try Files.read(path, byteCountMax: WebhookLimits.authoritiesByteCountMax)
        }
    } catch {
        throw .failed(error.description)
    }
    if secret.last == UInt8(ascii: "\n") { secret.removeLast() }
    if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
    var settings = WebhookSettings(url: url, secret: secret)
    settings.authoritiesFile = arguments.value("--webhook-ca-file")
    settings.timeoutMilliseconds = try arguments.integer(
        "--webhook-timeout-ms", in: WebhookLimits.timeoutMilliseconds, default: 5_000)
    settings.agent = "kassa/\(kassaVersion)"
    return settings
}

/// Reads "ADDRESS:PORT"; an IPv6 address may stand in brackets.
private func endpoint(_ text: String, of flag: String) throws(CommandError) -> (String, UInt16) {
    guard
        let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
        colon != text.startIndex
    else { throw .usage("\(flag) must be ADDRESS:PORT, as in \(defaultServer)") }
    var address = String(text[..<colon])
    if address.hasPrefix("["), address.hasSuffix("]") {
        address = String(address.dropFirst().dropLast())
    }
    return (address, port)
}
