// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Metrics
internal import Transport
internal import Wire

/// One client's connection: takes events of its session to the engine and answers back.
///
/// Unary calls of the request path are answered before `receive` returns. Writes and control work are
/// answered later, by ``take(_:now:)``, under the call's ``Ticket``; a call that ended meanwhile is
/// not found any more and its answer is dropped.
final class ServerConnection: ByteSession {
    let id: ConnectionID
    let context: LoopContext
    let session: ServerSession
    /// What is kept of calls between their messages, or until their answer.
    var streams: [CallID: StreamState] = [:]
    /// The time of this turn.
    private(set) var now: MonotonicTime
    /// No upload of this connection is to be ended earlier.
    var uploadDeadline = MonotonicTime.distantFuture
    private var counted = SessionMetrics.Seen()

    init(_ id: ConnectionID, context: LoopContext, now: MonotonicTime) {
        self.id = id
        self.context = context
        self.now = now
        session = ServerSession(methods: RPC.table, memory: context.memory, now: now)
    }

    func receive(_ bytes: Span<UInt8>, now: MonotonicTime) {
        self.now = now
        _ = session.receive(bytes, now: now)
        answerEvents()
    }

    func tick(now: MonotonicTime) {
        self.now = now
        session.tick(now: now)
        answerEvents()
        if uploadDeadline <= now { endStalledUploads() }
    }

    func produce(into buffer: inout ByteBuffer, now: MonotonicTime) {
        self.now = now
        session.produce(into: &buffer, now: now)
        resumeStreams()
        // Calls are held back while many replies wait; what was sent may have made room for them.
        if session.hasEvents { answerEvents() }
    }

    func drain(now: MonotonicTime) {
        self.now = now
        session.advance(to: now)
        endHealthWatches()
        endRolloutWatches()
        session.drain(now: now)
    }

    func closed() {
        for stream in streams.values { stream.giveUp() }
        streams.removeAll()
    }

    var wantsProduce: Bool { session.wantsProduce }
    var wantsClose: Bool { session.wantsClose }
    var nextDeadline: MonotonicTime { min(session.nextDeadline, uploadDeadline) }

    /// Handles everything that arrived. All of it sees one configuration, and one snapshot of the
    /// store, which is taken after the bytes were received: so a request sees every write that was
    /// acknowledged before it was sent.
    func answerEvents() {
        context.worker.begin()
        defer { context.worker.end() }
        let now = Timestamp.now()
        while let event = session.nextEvent() {
            switch event {
            case .message(let call): message(call, now)
            case .halfClosed(let call): halfClosed(call, now)
            case .cancelled(let call): cancelled(call)
            }
        }
        counted = context.sessionMetrics.count(session, since: counted, context.memory)
    }

    private func message(_ call: Call, _ now: Timestamp) {
        guard let rpc = RPC(rawValue: call.method) else {
            preconditionFailure("a method has a tag without an RPC")
        }
        switch rpc {
        case .score:
            answer(call, rpc) { worker, writer throws(EngineError) in
                try worker.score(call.message, at: now, into: &writer)
            }
        case .scoreBatch:
            answer(call, rpc) { worker, writer throws(EngineError) in
                try worker.scoreBatch(
                    call.message, at: now, into: &writer, refusal: Self.refusal)
            }
        case .recordOutcome: recordOutcomes(call, now)
        case .getCalibration: getCalibration(call)
        case .read:
            answer(call, rpc) { worker, writer throws(EngineError) in
                try worker.read(call.message, at: now, into: &writer)
            }
        case .write: write(call, now)
        case .scoreStream: scoreNext(call, now)
        case .writeStream: writeNext(call, now)
        case .erase, .apply, .drop, .getDocument, .listDocuments, .audit, .listModels,
            .getModel, .deleteModel:
            control(call, rpc, now)
        case .storeStats, .verifyStore, .snapshotStore: storage(call, rpc, now)
        case .beginGeneration, .checkGeneration, .switchGeneration, .rollBackGeneration,
            .discardGeneration, .listGenerations:
            generations(call, rpc, now)
        case .shadow, .canary, .setWeight, .pause, .resume, .promote, .abort, .undo, .quarantine,
            .clearQuarantine, .rolloutStatus, .rolloutHistory, .explainRollout, .drift,
            .acceptDrift:
            rollouts(call, rpc, now)
        case .watchRollouts: watchRollouts(call)
        case .upload: uploadNext(call)
        case .healthCheck: checkHealth(call)
        case .healthWatch: watchHealth(call)
        case .reflection, .reflectionAlpha: reflect(call)
        }
    }

    private func halfClosed(_ call: Call, _ now: Timestamp) {
        switch RPC(rawValue: call.method) {
        case .upload: finishUpload(call, now)
        case .writeStream: finishWrites(call)
        case .healthWatch, .watchRollouts: break
        default: finish(call, .ok)
        }
    }

    private func cancelled(_ call: Call) {
        forget(call)
        // The session answers a call whose deadline passed; the client's own reset has no answer.
        record(call, call.isAnswered ? call.status : .cancelled)
    }

    /// Answers a unary call at once, encoding straight into its reply.
    private func answer(
        _ call: Call, _ rpc: RPC,
        _ body: (inout Worker, inout WireWriter) throws(EngineError) -> Void
    ) {
        do throws(EngineError) {
            try session.withReplyBuffer(call) { buffer throws(EngineError) in
                try context.withWriter(into: &buffer, body)
            }
            finish(call, .ok)
        } catch {
            refuse(call, error)
        }
    }

    /// Takes an answer that another thread made.
    func take(_ answer: Answer, now: MonotonicTime) {
        self.now = now
        session.advance(to: now)
        // A call whose deadline has passed is answered and counted, though it may not have left yet.
        guard let call = session.call(answer.ticket.call), !call.isAnswered else { return }
        switch answer.outcome {
        case .reply(let bytes):
            session.reply(call, message: bytes.span)
            finish(call, .ok)
        case .message(let bytes):
            session.reply(call, message: bytes.span)
            writeAnswered(call)
        case .refusal(let error):
            refuse(call, error)
        case .events(let batch):
            tellOfRollouts(call, batch)
        case .nothing:
            break
        }
    }

    /// Ends a call and counts it.
    func finish(_ call: Call, _ status: Status) {
        forget(call)
        session.finish(call, status: status)
        record(call, status)
    }

    /// Ends a call with an engine's refusal and counts it.
    func refuse(_ call: Call, _ error: EngineError) {
        refuse(call, Status(error), error.reason, retryMilliseconds: error.retryMilliseconds)
    }

    /// Ends a call with a refusal and counts it.
    func refuse(
        _ call: Call, _ status: Status, _ reason: String, retryMilliseconds: UInt32? = nil
    ) {
        forget(call)
        session.finish(
            call, status: status, message: reason.utf8Span.span,
            retryPushbackMilliseconds: retryMilliseconds)
        record(call, status)
    }

    /// The refusal of one request of a stream.
    static func refusal(_ error: EngineError) -> KassaV1.Refusal {
        KassaV1.Refusal(
            code: UInt32(Status(error).rawValue), message: error.reason,
            retryAfterMs: error.retryMilliseconds ?? 0)
    }

    /// Drops what is kept of a call; one that is answered at once keeps nothing.
    private func forget(_ call: Call) {
        if !streams.isEmpty { streams.removeValue(forKey: call.id)?.giveUp() }
    }

    private func record(_ call: Call, _ status: Status) {
        context.metrics.record(
            method: call.method, code: Int(status.rawValue),
            nanoseconds: MonotonicTime.now().nanoseconds(since: call.receivedAt))
    }

    /// The name under which another thread answers `call`.
    func ticket(_ call: Call) -> Ticket {
        Ticket(connection: id, call: call.id)
    }
}
