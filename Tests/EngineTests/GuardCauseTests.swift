// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Crypto
import Rollout
import Testing
import Wire

@testable import Engine

/// What a guard says of why a model goes: which features, errors and times.
struct `The reason of a rollback` {
    @Test func `names the features that fell back most, and how`() throws {
        let (guarded, book) = Suspect.guarded(.split)
        let stale = Suspect.fallback(book, ["profile.visits": 5])
        let both = Suspect.fallback(book, ["profile.orders": 3, "profile.visits": 5])
        for entity in 0..<200 where guarded.brake.flags.isEmpty {
            guarded.observe(Suspect.event(2 * entity, .split, isTrial: false))
            guarded.observe(
                Suspect.event(
                    2 * entity + 1, .split, .fallback, cause: entity % 3 == 0 ? both : stale))
        }
        let order = try #require(guarded.order(at: Suspect.now))
        let count = guarded.evidence.counts.shares[0].fallbacks.arms.canary
        let part = (count + 2) / 3
        #expect(
            order.reason.hasPrefix(
                "fallbacks: \(count) of \(count) entities of the candidate had a fallback, 0 of "
                    + "\(count) of STABLE: STALE profile.visits (\(count)), "
                    + "NO_ENTITY profile.orders (\(part)); log evidence "))
        let alarm = try #require(order.alarm)
        #expect(alarm.causes.map(\.name) == ["STALE profile.visits", "NO_ENTITY profile.orders"])
        #expect(alarm.causes.map(\.number) == [Double(count), Double(part)])
    }

    @Test func `counts an entity once, also for what both models have`() {
        let (guarded, book) = Suspect.guarded(.shadow)
        let cause = Suspect.fallback(book, ["profile.visits": 5])
        for _ in 0..<100 {
            guarded.observe(Suspect.event(1, .shadow, .fallback, cause: cause))
            var event = Suspect.event(2, .shadow, .fallback, cause: cause)
            event.reference = .fallback
            guarded.observe(event)
        }
        #expect(guarded.causes.all.map(\.entities) == [2])
        #expect(guarded.evidence.counts.shares[0].fallbacks.arms.canary == 2)
        #expect(guarded.status(at: Suspect.now).causes == guarded.causes.all)
    }

    @Test func `names the error that is met most`() throws {
        let (guarded, book) = Suspect.guarded(.whole)
        func error(_ text: String) -> UInt8 {
            book.number(of: GuardCause(event: .error, isTrial: true, error: text), in: 7)
        }
        let (often, seldom) = (error("entities: none of kind device"), error("something else"))
        for entity in 0..<200 where guarded.brake.flags.isEmpty {
            guarded.observe(
                Suspect.event(entity, .whole, .error, cause: entity == 3 ? seldom : often))
        }
        let reason = try #require(guarded.order(at: Suspect.now)).reason
        let count = guarded.evidence.counts.shares[0].errors.arms.canary
        #expect(
            reason.contains(
                "errors: \(count) entities of the candidate had an error, 0 of STABLE: "
                    + "\"entities: none of kind device\" (\(count - 1)), \"something else\" (1); "))
    }

    @Test func `says what a score may take, and what it took`() throws {
        let (guarded, _) = Suspect.guarded(.split)
        for entity in 0..<400 where guarded.brake.flags.isEmpty {
            var event = Suspect.event(2 * entity + 1, .split, .sloMiss)
            event.slowMicroseconds = entity % 10 == 0 ? 90_000 : 1_900
            guarded.observe(Suspect.event(2 * entity, .split, isTrial: false))
            guarded.observe(event)
        }
        let order = try #require(guarded.order(at: Suspect.now))
        #expect(order.reason.contains(" of STABLE: over 0.5 ms, typically 1.9 ms; log evidence"))
        #expect(order.alarm?.causes.map(\.name) == ["slo_us", "typical_us"])
        #expect(order.alarm?.causes.first?.number == 500)
    }

    @Test func `goes on after a restart, and old evidence says nothing`() throws {
        let (guarded, book) = Suspect.guarded(.shadow)
        let cause = Suspect.fallback(book, ["profile.visits": 5, "profile.orders": 5])
        var slow = Suspect.event(9, .shadow, .sloMiss)
        slow.slowMicroseconds = 1_900
        guarded.observe(slow)
        for entity in 10..<13 {
            guarded.observe(Suspect.event(entity, .shadow, .fallback, cause: cause))
        }
        let stored = try KassaStorageV1.StoredEvidence(
            decoding: guarded.stored(at: Suspect.now).encodedBytes().span)
        let (resumed, newBook) = Suspect.guarded(.shadow, stored: stored)
        #expect(resumed.causes.all == guarded.causes.all)
        #expect(resumed.causes.all.count == 3)
        let again = Suspect.fallback(newBook, ["profile.visits": 5])
        resumed.observe(Suspect.event(20, .shadow, .fallback, cause: again))
        #expect(
            CauseWords.text(resumed.causes.all, of: "fallbacks", ofTrial: true)
                == "STALE profile.visits (4), STALE profile.orders (3)")
        var old = stored
        old.causes = []
        let (silent, _) = Suspect.guarded(.shadow, stored: old)
        #expect(silent.causes.all.isEmpty && silent.defect == nil)
        #expect(silent.evidence.counts == guarded.evidence.counts)
    }

    @Test func `is found by the loops, for features of a row that is not there`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.suspect(&worker, onMissing: .unspecified)
            let reason = try engine.conviction(&worker)
            #expect(
                reason.hasPrefix("fallbacks: ")
                    && reason.contains(": NO_ENTITY profile.visits ("))
            let told = try engine.explainRollout(
                KassaV1.ExplainRolloutRequest(rolloutId: engine.status.rollout?.id ?? 0))
            #expect(told.agrees)
            let cause = try #require(told.guard?.causes.first { $0.event == "fallbacks" })
            #expect(cause.feature == "profile.visits" && cause.status == .noEntity)
            #expect(cause.candidate && cause.entities > 0)
        }
    }

    @Test func `is found by the loops, for an error`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.suspect(&worker, onMissing: .fail)
            let reason = try engine.conviction(&worker)
            #expect(reason.hasPrefix("errors: "))
            #expect(
                reason.contains(
                    ": \"feature profile.visits: is NO_ENTITY, and must not be for a score\" ("))
        }
    }
}

/// Causes without end: each request lacks other features.
struct `A loop that meets ever new causes` {
    private static let featureCount = 10

    @Test func `tells feature sets where it has no numbers left, and counts all`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            worker.loopWatch.timeShareMax = 1
            try engine.uploadMany(Self.featureCount)
            let sessions = 1 << Self.featureCount
            for session in 0..<sessions {
                try worker.writeFeatures(
                    of: session, (0..<Self.featureCount).filter { session >> $0 & 1 == 1 })
                _ = try worker.score("s-\(session)")
                if session % 100 == 99 {
                    worker.settle()
                    engine.guards.turn(at: .now())
                }
            }
            worker.settle()
            engine.guards.turn(at: .now())
            let status = try #require(try engine.status.guard)
            // STABLE alone reads them, so nothing of it speaks against the candidate.
            #expect(status.verdict == "WITHIN")
            let causes = status.causes
            #expect(causes.allSatisfy { !$0.candidate })
            let rest = try #require(causes.first { $0.feature == "many.*" })
            #expect(rest.status == .noFeature)
            // Of the first session there was no row; the others lack some features of theirs.
            #expect(causes.count == 2 * Self.featureCount + 1)
            // Every one but the session that brought all of them is known by its features or its set.
            let fallbacks = status.counts.first { $0.name == "fallbacks" }?.stable ?? 0
            #expect(fallbacks == UInt64(sessions - 1))
            #expect(rest.entities == fallbacks - UInt64(CauseLimits.exactMax))
        }
    }
}

/// What bounds the memory of causes.
struct `The book of causes` {
    @Test func `has numbers for so many sets of features, then for feature sets, then for errors`()
    {
        let book = CauseBook()
        func number(_ name: String) -> UInt8 { Suspect.fallback(book, [name: 5]) }
        for place in 1...CauseLimits.exactMax { #expect(number("a.f\(place)") == UInt8(place)) }
        #expect(number("a.f7") == 7)
        #expect(number("a.one_over") == 0)
        for place in CauseLimits.exactMax + 1...CauseLimits.featuresNumbersMax {
            #expect(number("s\(place).*") == UInt8(place))
        }
        #expect(number("one_over.*") == 0)
        func error(_ text: String) -> UInt8 {
            book.number(of: GuardCause(event: .error, isTrial: true, error: text), in: 7)
        }
        for place in CauseLimits.featuresNumbersMax + 1...CauseLimits.numbersMax {
            #expect(error("\(place)") == UInt8(place))
        }
        #expect(error("one over") == 0)
        #expect(book.cause(0, in: 7) == nil && book.cause(1, in: 8) == nil)
        #expect(book.cause(1, in: 7)?.features.first?.name == "a.f1")
        book.keep { $0 != 7 }
        #expect(book.cause(1, in: 7) == nil)
    }

    @Test func `is asked once for each cause that a loop can remember`() {
        var loop = LoopCauses()
        for key in 1...UInt64(CauseLimits.rememberedMax) {
            #expect(loop.number(of: key << 1) == nil)
            loop.remember(key << 1, as: UInt8(truncatingIfNeeded: key))
        }
        let isFull = loop.isFull
        #expect(isFull)
        let one = UInt64(CauseLimits.rememberedMax + 1) << 1
        loop.remember(one, as: 1)
        let (over, last) = (loop.number(of: one), loop.number(of: one - 2))
        #expect(over == nil && last == UInt8(truncatingIfNeeded: CauseLimits.rememberedMax))
        loop.removeAll()
        let gone = loop.number(of: 2)
        #expect(gone == nil)
    }

    @Test func `counts so many features and errors of a model, and no more`() {
        var counts = CauseCounts()
        for number in 1...2 {
            let features = (0..<CauseLimits.featuresMax).map {
                GuardCause.Feature(name: "s\(number).f\($0)", status: 5)
            }
            let cause = GuardCause(event: .fallback, isTrial: true, features: features)
            counts.count(UInt8(number), of: .fallback) { cause }
        }
        #expect(counts.all.count == CauseLimits.rowsMax)
        let error = GuardCause(event: .error, isTrial: true, error: "x")
        counts.count(3, of: .error) { error }
        counts.count(3, of: .fallback) { error }
        counts.count(4, of: .error) { nil }
        #expect(counts.all.count == CauseLimits.rowsMax + 1)
        #expect(counts.all.first { $0.event == "errors" }?.entities == 1)
    }

    @Test func `is no reason for events to take more room`() {
        #expect(MemoryLayout<GuardEvent>.stride == 40)
    }

    @Test func `tells times to an eighth`() {
        for bucket in 8..<TimeBucket.count {
            let middle = TimeBucket.middle(of: bucket)
            #expect(TimeBucket.of(middle) == bucket)
        }
        for time in [4, 5, 17, 499, 500, 501, 1_900, 60_000_000, UInt64.max] where time < 1 << 31 {
            let told = Double(TimeBucket.middle(of: TimeBucket.of(time)))
            #expect(abs(told - Double(time)) <= Double(time) / 8 + 1)
        }
        #expect(TimeBucket.of(0) == 8 && TimeBucket.of(.max) == TimeBucket.count - 1)
    }
}

/// Causes in words.
struct `Causes in words` {
    private static func row(
        _ feature: String, _ entities: UInt64, _ status: KassaV1.Status = .stale
    ) -> KassaV1.GuardCause {
        KassaV1.GuardCause(
            event: "fallbacks", candidate: true, feature: feature, status: status,
            entities: entities)
    }

    @Test(arguments: [
        ([row("a.x", 12)], "STALE a.x (12)"),
        ([row("a.x", 12), row("a.y", 12)], "STALE a.x, a.y (12)"),
        ((1...9).map { row("a.f\($0)", 4) }, "STALE a.f1 and 8 more of a (4)"),
        (
            [row("a.x", 9), row("b.x", 8), row("a.y", 7, .null), row("c.x", 1)],
            "STALE a.x (9), STALE b.x (8), NULL a.y (7) and 1 more"
        ),
        ([], ""),
    ])
    func `name the most frequent, those of one set together`(
        _ rows: [KassaV1.GuardCause], _ text: String
    ) {
        #expect(CauseWords.text(rows, of: "fallbacks", ofTrial: true) == text)
        #expect(CauseWords.text(rows, of: "fallbacks", ofTrial: false).isEmpty)
    }

    @Test(arguments: [
        (0, "0"), (7, "0.007"), (462, "0.46"), (500, "0.5"), (1_000, "1"), (1_940, "1.9"),
        (9_960, "10"), (120_400, "120"),
    ])
    func `give times in milliseconds with two digits`(_ microseconds: UInt64, _ text: String) {
        #expect(CauseWords.milliseconds(microseconds) == text)
    }
}

/// A rollout with its book of causes, and its events.
private enum Suspect {
    static let now = MonotonicTime(nanoseconds: 1_000_000_000)

    static func guarded(
        _ mode: WatchMode, stored: KassaStorageV1.StoredEvidence? = nil
    ) -> (GuardedRollout, CauseBook) {
        let book = CauseBook()
        let weight: UInt32 =
            mode == .split ? 500_000 : mode == .whole ? Weight.wholeMillionths : 0
        let rollout = RolloutState(
            id: 7, salt: "abandonment/7", candidate: Bundle(model: "stump@2", digest: [2]),
            baseline: Bundle(model: "stump@1", digest: [1]),
            phase: mode == .shadow ? .shadow : .canary, weight: Weight(millionths: weight)!,
            steps: [])
        let guarded = GuardedRollout(
            "abandonment", rollout, KassaV1.GuardPolicy().completed(for: KassaV1.ScorerSpec()),
            Brake(), stored: stored.map { ($0, nil) }, causes: book, now: now)
        return (guarded, book)
    }

    /// The number of a fallback for features with these statuses.
    static func fallback(_ book: CauseBook, _ features: KeyValuePairs<String, UInt8>) -> UInt8 {
        let cause = GuardCause(
            event: .fallback, isTrial: true,
            features: features.map { .init(name: $0.key, status: $0.value) })
        return book.number(of: cause, in: 7)
    }

    static func event(
        _ entity: Int, _ mode: WatchMode, _ outcome: RequestOutcome = [], cause: UInt8 = 0,
        isTrial: Bool = true
    ) -> GuardEvent {
        var event = GuardEvent(
            rollout: 7, entity: UInt64(entity) &* 0x9E37_79B9_7F4A_7C15,
            atNanoseconds: UInt64(entity) + 1, weight: 500_000, mode: mode)
        if isTrial { event.marks.insert(.isTrial) }
        if mode != .split { event.marks.insert(.isCompared) }
        event.insert(outcome, ofTrial: isTrial)
        event.setCause(cause, ofTrial: isTrial)
        return event
    }
}

extension Worker {
    /// Writes what stump@1 reads, and some features of `many`.
    fileprivate mutating func writeFeatures(of session: Int, _ features: [Int]) throws {
        let keys = [KassaV1.KeyColumn(kind: "session", ids: ["s-\(session)"])]
        let items = KassaV1.Column(
            name: "items", values: .integers(KassaV1.IntegerValues(values: [2])))
        _ = try submit(
            KassaV1.WriteRequest(featureSet: "cart@1", keys: keys, columns: [items])
        ).get()
        guard !features.isEmpty else { return }
        let columns = features.map {
            KassaV1.Column(name: "f\($0)", values: .floats(KassaV1.FloatValues(values: [1])))
        }
        _ = try submit(
            KassaV1.WriteRequest(featureSet: "many@1", keys: keys, columns: columns)
        ).get()
    }
}

extension Engine {
    /// Begins a shadow of stump@1 beside a model that reads so many features, of which nothing is stored.
    fileprivate func uploadMany(_ count: Int) throws {
        let names = (0..<count).map { "f\($0)" }
        try apply([
            cart,
            .featureSet(
                KassaV1.FeatureSetSpec(
                    name: "many", version: 1, entity: ["session"],
                    features: names.map { KassaV1.FeatureSpec(name: $0, type: .float32) })),
        ])
        let terms = names.map { "{\"feature\":\"\($0)\",\"weight\":0.001,\"missing\":0}" }
        let artefact = Array(
            (#"{"kassa_model":1,"link":"logistic","intercept":0,"terms":["#
                + terms.joined(separator: ",") + "]}").utf8)
        _ = try upload(
            KassaV1.ModelSpec(
                name: "linear", format: .plainJson, sha256: SHA256.digest(of: artefact.span),
                byteCount: UInt64(artefact.count),
                inputs: names.map { KassaV1.ModelInput(featureSet: "many@1", feature: $0) },
                golden: [KassaV1.GoldenRow(row: [Float](repeating: 0, count: count), margin: 0)]),
            artefact: artefact, actor: "", reason: "", at: .now())
        try uploadStump()
        try apply([scorer("linear@1")])
        _ = try shadow(
            KassaV1.ShadowRequest(
                scorer: "abandonment", model: "stump@1",
                guard: KassaV1.GuardPolicy(
                    sloMicroseconds: 1_000_000, decisionThreshold: 0.999_999)), at: .now())
    }

    /// Begins a canary of stump@2, which reads `profile@1.visits`, of which nothing is stored.
    fileprivate func suspect(_ worker: inout Worker, onMissing: KassaV1.Fallback) throws {
        worker.loopWatch.timeShareMax = 1
        try apply([
            cart,
            .featureSet(
                KassaV1.FeatureSetSpec(
                    name: "profile", version: 1, entity: ["session"],
                    features: [
                        KassaV1.FeatureSpec(name: "visits", type: .int64, onMissing: onMissing)
                    ])),
        ])
        try uploadStump()
        try uploadStump {
            $0.inputs = [KassaV1.ModelInput(featureSet: "profile@1", feature: "visits")]
        }
        try apply([scorer("stump@1")])
        for session in 0..<200 { try worker.write(items: 2, session: "s-\(session)") }
        _ = try canary(
            KassaV1.CanaryRequest(
                scorer: "abandonment", model: "stump@2", weightPercent: 50,
                guard: KassaV1.GuardPolicy(flipRateMax: 0.5, sloMicroseconds: 1_000_000)),
            at: .now())
    }

    /// Scores until the guard has taken the candidate out; the reason on record.
    fileprivate func conviction(_ worker: inout Worker) throws -> String {
        for session in 0..<200 {
            _ = try worker.score("s-\(session)")
            worker.settle()
            guards.turn(at: .now())
        }
        let order = try #require(guards.orders(at: .now()).first)
        carryOut(order)
        let history = try rolloutHistory(KassaV1.RolloutHistoryRequest(scorer: "abandonment"))
        let last = try #require(history.transitions.first)
        // It is known still where another one is watched by now.
        guards.follow()
        #expect(guards.status(of: order.rollout, isDrifting: false) == nil)
        #expect(guards.conviction(of: order.rollout) == order.reason)
        #expect(guards.conviction(of: order.rollout + 1) == nil)
        #expect(last.verb == "roll-back" && last.reason == order.reason)
        return last.reason
    }
}
