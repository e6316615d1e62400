// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Engine
internal import GRPC
internal import Metrics
internal import Transport
internal import Wire

/// What the connections of one event loop share; it belongs to the loop's thread.
final class LoopContext {
    let engine: Engine
    let control: ControlThread
    let checks: ControlThread
    let health: Health
    let uploads: UploadBudget
    let memory = SessionMemory()
    let metrics = RPCMetrics(methods: RPC.labels)
    let sessionMetrics: SessionMetrics
    var worker: Worker
    var writer = WireWriter()
    /// The loop, and how answers that other threads made come back to it; set once the loop exists.
    private(set) var loop: EventLoop!
    private(set) var answers: Mailbox<Answer>!

    init(
        engine: Engine, control: ControlThread, checks: ControlThread, health: Health,
        uploads: UploadBudget, loop: Int
    ) throws(EngineError) {
        self.engine = engine
        self.control = control
        self.checks = checks
        self.health = health
        self.uploads = uploads
        sessionMetrics = SessionMetrics(loop: loop)
        worker = try Worker(engine: engine, loop: loop)
    }

    /// Answers that may wait for the loop: more than the queues of the writer and of the control thread
    /// hold together, so that those are the ones that fill.
    static let answersMax = 70_000

    /// Answers that other threads owe this loop; never more than its mailbox holds.
    private var owedAnswers = 0

    /// Reserves room for the answer of work that another thread is about to get.
    func expectAnswer() throws(EngineError) {
        guard owedAnswers < Self.answersMax else {
            throw EngineError(
                .resourceExhausted, "too many calls wait for an answer; try again",
                retryMilliseconds: EngineLimits.queueRetryMilliseconds)
        }
        owedAnswers += 1
    }

    /// Gives the room back when the work was refused after all.
    func expectNoAnswer() {
        owedAnswers -= 1
    }

    /// Makes the context that of `loop`.
    func attach(to loop: EventLoop) {
        self.loop = loop
        loop.afterTurn = { [unowned self] in worker.settle() }
        answers = loop.mailbox(capacity: Self.answersMax) { [unowned self] answer in
            deliver(answer)
        }
    }

    /// Lets go of the loop, which holds the context too: to be called once the loop has ended, so that
    /// both go, and with them the engine and its folder.
    func detach() {
        loop = nil
        answers = nil
    }

    /// Hands an answer of another thread to its connection, if that is still open.
    private func deliver(_ answer: Answer) {
        owedAnswers -= 1
        let id = answer.ticket.connection
        guard let connection = loop.session(id) as? ServerConnection else { return }
        connection.take(answer, now: loop.now)
        loop.markDirty(id)
    }

    /// Lets `body` encode into a call's reply buffer without copying what it writes.
    func withWriter(
        into buffer: inout ByteBuffer,
        _ body: (inout Worker, inout WireWriter) throws(EngineError) -> Void
    ) throws(EngineError) {
        swap(&writer.buffer, &buffer)
        defer { swap(&writer.buffer, &buffer) }
        try body(&worker, &writer)
    }
}

/// Which call of which connection an answer is for.
struct Ticket: Hashable, Sendable {
    let connection: ConnectionID
    let call: CallID
}

/// What another thread found out for a call.
struct Answer: Sendable {
    enum Outcome: Sendable {
        /// One reply of a streaming call, encoded.
        case message([UInt8])
        /// The reply of a unary or client-streaming call, encoded.
        case reply([UInt8])
        case refusal(EngineError)
        /// Changes of slots, for one who watches.
        case events(RolloutEvents.Batch)
        /// The caller has given up, or was answered by the session: only the answer's room returns.
        case nothing
    }

    let ticket: Ticket
    let outcome: Outcome
}
