// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Client
internal import Glibc
internal import Simulator
internal import Wire

/// Plays a shop against a running server: every event's features are written, every event of a
/// filled cart is scored, and what became of the session is held against the scores.
///
/// The writes of up to ``batchSize`` events of different sessions are in flight together, as those
/// of a shop's many visitors are; a score is asked for only when the write of its event has been
/// acknowledged, and one at a time, so that its latency is the server's and not a queue's.
struct LiveDriver {
    /// Events that are written together, each of another session.
    static let batchSize = 32

    private let client: Client
    private let ink: Ink
    private let sessionCount: Int
    private let followed: FollowedSessions
    private var shop: Shop
    /// An event that did not fit into the batch, because its session was in it already.
    private var held: ShopMoment?
    private var features: [Int: SessionFeatures] = [:]
    private var probabilities: [Int: Double] = [:]
    private var filled: Set<Int> = []
    private var evaluation = LiveEvaluation()
    private var scoreLatencies = Latencies()
    private var writeLatencies = Latencies()
    private var progress: Progress
    /// The last event of a known customer that was scored: an example to look at more closely.
    private(set) var example: ShopMoment?

    init(client: Client, sessions: Int, seed: UInt64, ink: Ink) {
        self.client = client
        self.ink = ink
        sessionCount = sessions
        followed = FollowedSessions(of: sessions)
        progress = Progress(sessions: sessions)
        // Nine o'clock on a Monday, so that a seed gives the same day whenever it is played.
        let opening = Timestamp(microseconds: 1_767_571_200_000_000 + 9 * 3_600_000_000)
        shop = Shop(seed: seed, opening: opening, sessions: sessions)
    }

    /// Plays until the last visitor has gone.
    mutating func run() throws(CommandError) -> Summary {
        let start = MonotonicTime.now()
        while true {
            let batch = nextBatch()
            if batch.isEmpty { break }
            do throws(ClientError) {
                try write(batch)
                for moment in batch { try score(moment) }
            } catch {
                throw .failed("\(error)")
            }
            for moment in batch { tell(moment) }
        }
        let seconds = Double(MonotonicTime.now().nanoseconds(since: start)) / 1e9
        return Summary(
            evaluation: evaluation,
            speed: Speed(
                scoreMedianMicroseconds: scoreLatencies.percentile(0.5),
                scorePercentile99Microseconds: scoreLatencies.percentile(0.99),
                writeMedianMicroseconds: writeLatencies.percentile(0.5),
                writePercentile99Microseconds: writeLatencies.percentile(0.99),
                scoresPerSecond: Double(scoreLatencies.count) / seconds,
                writesPerSecond: Double(writeLatencies.count) / seconds))
    }

    private mutating func nextBatch() -> [ShopMoment] {
        var batch: [ShopMoment] = []
        var sessions: Set<Int> = []
        while batch.count < Self.batchSize, let moment = held ?? shop.next() {
            held = nil
            guard sessions.insert(moment.session).inserted else {
                held = moment
                break
            }
            batch.append(moment)
        }
        return batch
    }

    /// Writes what the events changed and waits for every acknowledgement.
    private mutating func write(_ batch: [ShopMoment]) throws(ClientError) {
        var calls: [PendingCall] = []
        for moment in batch where !moment.event.isLast {
            if features[moment.session] == nil, let customer = moment.shopper.customer {
                calls.append(
                    try client.start(KassaV1.FeaturesService.write, ShopRequests.write(customer)))
            }
            var known = features[moment.session] ?? SessionFeatures(moment)
            known.record(moment.event)
            features[moment.session] = known
            if known.cartItems > 0 { filled.insert(moment.session) }
            calls.append(
                try client.start(
                    KassaV1.FeaturesService.write, ShopRequests.write(moment.sessionID, known)))
        }
        for call in calls {
            let response: KassaV1.WriteResponse = try client.finish(call)
            guard response.errors.isEmpty, response.applied + response.ignoredOlder == 1 else {
                throw .malformedReply(method: call.method.path, reason: "the row was not taken")
            }
            writeLatencies.record(from: call.startedAt, to: call.finishedAt ?? .now())
        }
    }

    private mutating func score(_ moment: ShopMoment) throws(ClientError) {
        guard !moment.event.isLast, features[moment.session]?.cartItems ?? 0 > 0 else { return }
        let call = try client.start(KassaV1.ScoringService.score, ShopRequests.score(moment))
        let response: KassaV1.ScoreResponse = try client.finish(call)
        scoreLatencies.record(from: call.startedAt, to: call.finishedAt ?? .now())
        evaluation.record(score: response.score, session: moment.session)
        probabilities[moment.session] = response.score
        if moment.shopper.customer != nil { example = moment }
    }

    /// Prints the line of a session that is followed, and closes a session that has ended.
    private mutating func tell(_ moment: ShopMoment) {
        let known = features[moment.session] ?? SessionFeatures(moment)
        if followed.contains(moment.session),
            let line = TickerLine(
                moment, features: known, probability: probabilities[moment.session])
        {
            print(line.rendered(ink))
            // Told as it happens, to a pipe as well.
            fflush(nil)
        }
        guard moment.event.isLast else { return }
        evaluation.close(
            session: moment.session, hadCart: filled.remove(moment.session) != nil,
            isAbandoned: moment.event.action == .left)
        features[moment.session] = nil
        probabilities[moment.session] = nil
        if let line = progress.line(
            ended: evaluation.sessions, scores: scoreLatencies.count,
            writes: writeLatencies.count)
        {
            print(ink.paint(line, .faint))
        }
    }
}
