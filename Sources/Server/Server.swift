// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Admin
package import Alarms
internal import Base
internal import Engine
internal import Metrics
internal import Synchronization
internal import Transport
internal import Webhook

/// A running Kassa: event loops, the engine, and the admin port, bound together.
///
/// Everything is opened before anything is served, so a server either starts whole or says why not.
/// It ends by draining: health says NOT_SERVING, clients are told to go (GOAWAY), open calls finish,
/// queued writes are committed and synced.
///
/// ```swift
/// let server = try Server(ServerConfiguration())
/// print(server.port)
/// server.start()
/// ...                 // until a signal
/// server.drain()      // returns when everything has ended
/// ```
package final class Server {
    /// The port that gRPC is served on.
    package let port: UInt16
    /// The port of metrics and health probes.
    package let adminPort: UInt16
    /// Where whoever finds something puts an alarm in; it goes to the log and to the webhook.
    package let alarms = AlarmSink()
    private let engine: Engine
    private let scrubSeconds: Int
    private let control: ControlThread
    /// Where generations are compared, which takes seconds.
    private let checks: ControlThread
    private let health: Health
    private let sweepSeconds: Int
    private let loops: [LoopSlot]
    private let webhook: Webhook?
    private let alarmDesk: AlarmDesk
    private var admin: AdminServer?
    private var threads: [Thread] = []

    /// Opens the store, loads what is in force, and listens; nothing is served before ``start()``.
    ///
    /// - Throws: what is wrong and what to do. Everything that was opened is closed again then.
    package init(_ configuration: ServerConfiguration) throws(ServerError) {
        let engine = try Self.openEngine(configuration)
        let control = ControlThread()
        let checks = ControlThread(name: "checks")
        let health = Health()
        var loops: [LoopSlot] = []
        var webhook: Webhook?
        let alarmLog = AlarmLog(configuration.alarmText)
        do throws(ServerError) {
            webhook = try Self.openWebhook(configuration, alarmLog)
            let uploads = UploadBudget()
            for index in 0..<configuration.loopCount {
                // The loops share one port, which the first may have chosen.
                loops.append(
                    try LoopSlot(
                        configuration, port: loops.first?.port ?? configuration.port, index: index,
                        engine: engine, control: control, checks: checks, health: health,
                        uploads: uploads))
            }
            var sources: [any MetricSource] = [alarms, alarmLog]
            if let webhook { sources.append(webhook.metrics) }
            let registry = try Self.registry(configuration, engine, loops, sources)
            let admin = try Self.openAdmin(configuration, engine, health, registry)
            adminPort = admin.port
            self.admin = consume admin
        } catch {
            for loop in loops { loop.detach() }
            control.stop()
            checks.stop()
            engine.stop()
            webhook?.stop(waitMilliseconds: 0)
            throw error
        }
        port = loops.first?.port ?? configuration.port
        self.webhook = webhook
        alarmDesk = AlarmDesk(
            sink: alarms, log: alarmLog, webhook: webhook, engine: engine, port: port)
        engine.onGuardAlarm { [alarms] alarm in alarms.send(Alarm(alarm)) }
        engine.onDriftNotice { [alarms] notice in alarms.send(Alarm(notice)) }
        self.engine = engine
        self.control = control
        self.checks = checks
        scrubSeconds = configuration.scrubHours * 3_600
        self.health = health
        sweepSeconds = configuration.sweepSeconds
        self.loops = loops
    }

    /// What somebody should know who starts it: the models that are not served, and why.
    package var warnings: [String] {
        engine.modelDefects.map { "model \($0); it is not served" }
    }

    private static func openAdmin(
        _ configuration: ServerConfiguration, _ engine: Engine, _ health: Health,
        _ registry: Registry
    ) throws(ServerError) -> AdminServer {
        let pages = AdminPages(
            metrics: { buffer in PrometheusText.write(registry.snapshot(), into: &buffer) },
            readiness: {
                let reason = health.unreadiness(writeRefusal: engine.storeRefusal)
                return reason.map { .notReady(reason: $0) } ?? .ready
            })
        do throws(AdminError) {
            return try AdminServer.start(
                address: configuration.adminAddress, port: configuration.adminPort, pages: pages)
        } catch {
            throw ServerError(error.description)
        }
    }

    private static func openEngine(
        _ configuration: ServerConfiguration
    ) throws(ServerError) -> Engine {
        do throws(EngineError) {
            return try Engine(
                folder: configuration.dataFolder, loopCount: configuration.loopCount,
                mapBytes: configuration.mapBytes, mapBytesMax: configuration.mapBytesMax,
                killAt: configuration.killAt)
        } catch {
            throw ServerError(error.reason)
        }
    }

    private static func openWebhook(
        _ configuration: ServerConfiguration, _ log: AlarmLog
    ) throws(ServerError) -> Webhook? {
        guard var settings = configuration.webhook else { return nil }
        settings.note = { log.write($0) }
        do throws(WebhookError) {
            return try Webhook(settings)
        } catch {
            throw ServerError(error.description)
        }
    }

    private static func registry(
        _ configuration: ServerConfiguration, _ engine: Engine, _ loops: [LoopSlot],
        _ others: [any MetricSource]
    ) throws(ServerError) -> Registry {
        let registry = Registry()
        do throws(Registry.Conflict) {
            for source in engine.metricSources + others { try registry.register(source) }
            try registry.register(ProcessMetrics())
            try registry.register(BuildSource(version: configuration.version))
            for loop in loops {
                try registry.register(loop.rpcMetrics)
                try registry.register(loop.sessionMetrics)
                try registry.register(LoopSource(loop.handle, index: loop.index))
            }
        } catch {
            throw ServerError("two sources of metrics contradict each other: \(error)")
        }
        return registry
    }

    /// Starts a thread per loop.
    package func start() {
        engine.startGuard()
        engine.startScrubbing(periodSeconds: scrubSeconds)
        engine.startRollouts { [control] job in control.submit(job) }
        if sweepSeconds > 0 { engine.startHousekeeping(everySeconds: sweepSeconds) }
        threads = loops.map { loop in
            Thread(name: "loop-\(loop.index)") { loop.run() }
        }
        alarmDesk.start()
        health.start()
    }

    /// Ends the server in order; returns when all is finished and synced.
    package func drain() {
        health.drain()
        engine.cancelCare()
        for loop in loops { loop.handle.drain() }
        for thread in threads { thread.join() }
        for loop in loops { loop.detach() }
        engine.stopRollouts()
        // What a check has found is kept by the control thread.
        checks.stop()
        control.stop()
        engine.stop()
        // What the end itself gave cause for is told too.
        alarmDesk.stop()
        webhook?.stop()
        if let admin = admin.take() { admin.stop() }
    }
}

/// One event loop on its way to its thread.
///
/// Made on the main thread, run on another: while `run` runs nothing of it but the handle and the
/// metrics, which are Sendable, is used elsewhere.
@safe private final class LoopSlot: @unchecked Sendable {
    let index: Int
    let port: UInt16
    let handle: LoopHandle
    let rpcMetrics: RPCMetrics
    let sessionMetrics: SessionMetrics
    private let context: LoopContext
    private let loop: EventLoop

    init(
        _ configuration: ServerConfiguration, port: UInt16, index: Int, engine: Engine,
        control: ControlThread, checks: ControlThread, health: Health, uploads: UploadBudget
    ) throws(ServerError) {
        self.index = index
        do throws(EngineError) {
            context = try LoopContext(
                engine: engine, control: control, checks: checks, health: health,
                uploads: uploads, loop: index)
        } catch {
            throw ServerError(error.reason)
        }
        var settings = LoopConfiguration()
        settings.host = configuration.address
        settings.port = port
        settings.connectionsMax = configuration.connectionsPerLoopMax
        settings.pollNanoseconds = configuration.pollMicroseconds * 1_000
        let context = context
        do throws(SocketError) {
            loop = try EventLoop(settings) { id in
                ServerConnection(id, context: context, now: MonotonicTime.now())
            }
        } catch {
            throw ServerError(
                "cannot listen on \(configuration.address):\(port): \(error)")
        }
        context.attach(to: loop)
        self.port = loop.port
        handle = loop.handle
        rpcMetrics = context.metrics
        sessionMetrics = context.sessionMetrics
    }

    func run() {
        loop.run()
    }

    func detach() {
        context.detach()
    }
}
