// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import GRPC
import Glibc
import Transport
import Wire

@testable import Server

/// One connection of a server and its client, joined by hand: no socket, and the time is the test's.
final class Desk {
    let folder = "/tmp/kassa-desk-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let engine: Engine
    let control = ControlThread()
    private let checks = ControlThread(name: "checks")
    let context: LoopContext
    let connection: ServerConnection
    let client = ClientSession(authority: "test", memory: SessionMemory())
    var now = MonotonicTime.now()
    /// What calls ended with, by tag.
    private(set) var statuses: [Int: Status] = [:]
    /// The replies of calls, by tag.
    private(set) var replies: [Int: [[UInt8]]] = [:]
    private let loop: EventLoop

    init() throws {
        engine = try Engine(folder: folder, loopCount: 1, mapBytes: 1 << 30)
        context = try LoopContext(
            engine: engine, control: control, checks: checks, health: Health(),
            uploads: UploadBudget(), loop: 0)
        var settings = LoopConfiguration()
        settings.port = 0
        // It takes answers; nobody runs it.
        loop = try EventLoop(settings) { _ in nil }
        context.attach(to: loop)
        connection = ServerConnection(ConnectionID(rawValue: 1), context: context, now: now)
    }

    deinit {
        context.detach()
        checks.stop()
        engine.stop()
        for name in ["data.mdb", "lock.mdb", "bundles", ""] {
            _ = unsafe remove("\(folder)/\(name)")
        }
    }

    /// Sends one request of a unary call.
    @discardableResult
    func call(
        _ rpc: RPC, tag: Int, _ message: [UInt8], timeoutNanoseconds: UInt64? = nil
    ) -> CallID? {
        let id = client.unary(
            client.path(rpc.method.path), tag: tag, message: message.span,
            timeoutNanoseconds: timeoutNanoseconds, now: now)
        run()
        return id
    }

    /// Opens a streaming call and sends its first message.
    func open(_ rpc: RPC, tag: Int, _ message: [UInt8]) -> CallID? {
        let id = client.open(client.path(rpc.method.path), tag: tag, now: now)
        if let id { client.send(id, message: message.span) }
        run()
        return id
    }

    /// Lets time pass, and the connection look at it.
    func wait(seconds: Double) {
        now = now.advanced(byNanoseconds: UInt64(seconds * 1e9))
        connection.tick(now: now)
        run()
    }

    /// Exchanges bytes until neither side has more to say.
    func run() {
        var isBusy = true
        while isBusy {
            var up = ByteBuffer(capacity: 1_024)
            client.produce(into: &up)
            if up.count > 0 { connection.receive(up.bytes, now: now) }
            var down = ByteBuffer(capacity: 1_024)
            if connection.wantsProduce { connection.produce(into: &down, now: now) }
            if down.count > 0 { _ = client.receive(down.bytes) }
            while let event = client.nextEvent() { note(event) }
            isBusy = up.count > 0 || down.count > 0
        }
    }

    private func note(_ event: ClientEvent) {
        switch event {
        case .message(let call):
            let message = call.message
            replies[call.tag, default: []].append(message.indices.map { message[$0] })
        case .finished(let call):
            statuses[call.tag] = call.status
        }
    }

    /// Keeps the control thread busy until the gate opens.
    func occupyControlThread() -> Gate {
        let gate = Gate()
        _ = control.submit { gate.passage.wait() }
        return gate
    }
}

/// What the control thread waits for.
final class Gate: Sendable {
    let passage = Semaphore()

    func open() {
        passage.signal()
    }
}

/// An `ApplyRequest` with one feature set.
let applyCart = KassaV1.ApplyRequest(
    documents: [
        KassaV1.Document(
            resource: .featureSet(
                KassaV1.FeatureSetSpec(
                    name: "cart", version: 1, entity: ["session"],
                    features: [KassaV1.FeatureSpec(name: "items", type: .int64)])))
    ], actor: "test", reason: "a test"
).encodedBytes()
