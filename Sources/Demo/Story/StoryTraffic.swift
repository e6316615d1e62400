// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Client
internal import Simulator
internal import Wire

/// Visitors while models are replaced: where a shopper decides, the shop asks for a score, which is
/// recorded, and when the visit ends it reports what came of it.
///
/// Every visitor is new to the server; the sessions' ids begin with `name`.
struct StoryTraffic {
    /// Scores that are asked for together, each of another session.
    static let batchSize = 64
    /// A busy day: many visits overlap, so that the events of a moment are of different sessions.
    static let sessionsPerHour = 20_000.0
    /// Outcomes that are reported together.
    static let outcomesAtOnce = 100
    /// Visitors at most; none of the chapters takes so many.
    static let sessionsMax = 2_000_000

    private let client: Client
    private let name: String
    private var shop: Shop
    private var held: ShopMoment?
    private var features: [Int: SessionFeatures] = [:]
    private var open: [Int: [String]] = [:]
    private var known: Set<String> = []
    private var unreported: [KassaV1.Outcome] = []
    /// Answers by the model that gave them, as the replies say.
    private(set) var answers: [String: Int] = [:]
    /// Outcomes that the server has taken.
    private(set) var outcomes = 0

    init(client: Client, name: String, seed: UInt64) {
        self.client = client
        self.name = name
        // Nine o'clock on a Monday.
        let opening = Timestamp(microseconds: 1_767_571_200_000_000 + 9 * 3_600_000_000)
        shop = Shop(
            seed: seed, opening: opening, sessions: Self.sessionsMax,
            sessionsPerHour: Self.sessionsPerHour)
    }

    /// All answers so far.
    var answerCount: Int { answers.values.reduce(0, +) }

    /// Plays on until a batch of scores has been asked for.
    mutating func advance() throws(CommandError) {
        var asking: [ShopMoment] = []
        var ended: [(session: Int, isAbandoned: Bool)] = []
        var sessions: Set<Int> = []
        while asking.count < Self.batchSize, let moment = held ?? shop.next() {
            held = nil
            if sessions.contains(moment.session) {
                held = moment
                break
            }
            if moment.event.isLast {
                features[moment.session] = nil
                ended.append((moment.session, moment.event.action == .left))
                continue
            }
            features[moment.session, default: SessionFeatures(moment)].record(moment.event)
            guard moment.event.action.isDecisive, features[moment.session]?.cartItems ?? 0 > 0
            else { continue }
            sessions.insert(moment.session)
            asking.append(moment)
        }
        guard !asking.isEmpty else { throw .failed("no visitors are left") }
        do throws(ClientError) {
            try write(asking)
            try score(asking)
            try report(ended)
        } catch {
            throw .failed("\(error)")
        }
    }

    private func id(_ session: Int) -> String { "\(name)-\(session)" }

    private mutating func write(_ moments: [ShopMoment]) throws(ClientError) {
        var calls: [PendingCall] = []
        for moment in moments {
            if let customer = moment.shopper.customer, known.insert(customer.id).inserted {
                calls.append(
                    try client.start(KassaV1.FeaturesService.write, ShopRequests.write(customer)))
            }
            guard let row = features[moment.session] else { continue }
            calls.append(
                try client.start(
                    KassaV1.FeaturesService.write, ShopRequests.write(id(moment.session), row)))
        }
        for call in calls {
            let response: KassaV1.WriteResponse = try client.finish(call)
            guard response.errors.isEmpty else {
                throw .malformedReply(method: call.method.path, reason: "the row was not taken")
            }
        }
    }

    private mutating func score(_ moments: [ShopMoment]) throws(ClientError) {
        let method = KassaV1.ScoringService.scoreBatch
        let response: KassaV1.ScoreBatchResponse = try client.call(
            method,
            ShopRequests.scores(moments.map { (id($0.session), $0.shopper.customer?.id) }))
        guard response.results.count == moments.count else {
            throw .malformedReply(method: method.path, reason: "a row has no answer")
        }
        for (moment, result) in zip(moments, response.results) {
            guard result.refusal == nil, (0...1).contains(result.score) else {
                throw .malformedReply(method: method.path, reason: "a row was not scored")
            }
            answers[result.model, default: 0] += 1
            if !result.scoreId.isEmpty { open[moment.session, default: []].append(result.scoreId) }
        }
    }

    private mutating func report(
        _ ended: [(session: Int, isAbandoned: Bool)]
    ) throws(ClientError) {
        for (session, isAbandoned) in ended {
            for id in open.removeValue(forKey: session) ?? [] {
                unreported.append(KassaV1.Outcome(scoreId: id, label: isAbandoned))
            }
        }
        guard unreported.count >= Self.outcomesAtOnce else { return }
        let response: KassaV1.RecordOutcomeResponse = try client.call(
            KassaV1.ScoringService.recordOutcome,
            KassaV1.RecordOutcomeRequest(outcomes: unreported))
        unreported.removeAll()
        outcomes += response.statuses.count { $0 == .outcomeAccepted }
    }
}

extension ShopEvent.Action {
    /// Whether the shop asks for a score at this: something about the cart or the money has changed.
    fileprivate var isDecisive: Bool {
        switch self {
        case .addedToCart, .cartViewed, .couponTried, .shippingShown, .paymentStarted,
            .paymentFailed:
            true
        default: false
        }
    }
}
