// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Alarms
internal import Base
internal import Engine
internal import Glibc
internal import Synchronization
internal import Webhook

/// The thread that tells alarms, by webhook and in the log, and that looks at the store once a second.
final class AlarmDesk: Sendable {
    /// Rest between two looks at the store.
    static let restNanoseconds: UInt64 = 1_000_000_000

    private let sink: AlarmSink
    private let log: AlarmLog
    private let webhook: Webhook?
    private let server: String
    private let engine: Engine
    private let isStopping = Atomic(false)
    private let thread = Mutex<Thread?>(nil)

    /// - Parameter port: that of gRPC, which tells the servers of a machine apart.
    init(sink: AlarmSink, log: AlarmLog, webhook: Webhook?, engine: Engine, port: UInt16) {
        self.sink = sink
        self.log = log
        self.webhook = webhook
        self.engine = engine
        server = "\(Self.hostName()):\(port)"
    }

    func start() {
        thread.withLock { $0 = Thread(name: "alarms") { [self] in run() } }
    }

    /// Tells what waits, and joins the thread; the webhook goes on with what it was given.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        sink.wakeUp()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private func run() {
        var watch = StoreWatch()
        var nextLook = MonotonicTime.now()
        while true {
            if let alarm = sink.next(until: nextLook) {
                tell(alarm)
            } else if isStopping.load(ordering: .acquiring) {
                while let alarm = sink.next(until: MonotonicTime(nanoseconds: 0)) { tell(alarm) }
                return
            }
            let now = MonotonicTime.now()
            guard now >= nextLook else { continue }
            for alarm in watch.look(at: storeReading(), now: .now()) { sink.send(alarm) }
            nextLook = now.advanced(byNanoseconds: Self.restNanoseconds)
        }
    }

    /// The webhook first: its queue never blocks.
    private func tell(_ alarm: Alarm) {
        let encoded = alarm.json(server: server)
        webhook?.post(
            WebhookEvent(id: alarm.id, type: "alarm.\(alarm.kind.name)", body: encoded))
        log.write(alarm, encoded: encoded)
    }

    private func storeReading() -> StoreReading {
        let statistics = engine.storeStatistics()
        let refusal = statistics.writeRefusal
        let last = [statistics.lastScrub, statistics.lastVerify].compactMap { $0 }
            .max { $0.finishedAtUs < $1.finishedAtUs }
        var reading = StoreReading(
            writeRefusal: refusal.isEmpty ? nil : refusal, isSound: last?.sound)
        if statistics.hasSizes {
            let pages = statistics.usedPages - min(statistics.freePages, statistics.usedPages)
            let used = Double(pages) * Double(statistics.pageBytes)
            let disk = Double(statistics.diskTotalBytes)
            reading.sizes = .init(
                mapPercent: 100 * used / Double(max(statistics.mapBytes, 1)),
                diskFreePercent: disk > 0 ? 100 * Double(statistics.diskFreeBytes) / disk : nil,
                readerAgeMilliseconds: Double(statistics.readerAgeMs))
        }
        return reading
    }

    /// What the machine calls itself, or nothing.
    private static func hostName() -> String {
        var name = [UInt8](repeating: 0, count: 65)
        // Safe: the buffer is the array, whose last byte stays 0.
        let status = unsafe name.withUnsafeMutableBytes { bytes in
            unsafe gethostname(bytes.bindMemory(to: CChar.self).baseAddress!, bytes.count - 1)
        }
        return status == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : ""
    }
}
