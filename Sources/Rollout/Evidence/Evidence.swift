// SPDX-License-Identifier: Apache-2.0

/// The evidence against one canary, weighed after every event.
///
/// Six e-processes, one per ``EvidenceComponent``, each of which stays small if the canary is within
/// its tolerance: under that hypothesis its mean never exceeds 1. Each keeps something in hand for a
/// canary that turns bad late (``OnsetMixture``). Their weighted mean with weights fixed at the start is
/// one too, however they depend on each other, and is the only admissible way to merge them (Wang 2024,
/// arXiv 2409.19888). By Ville's inequality it ever reaches 1/alpha with probability at most alpha.
///
/// An entity speaks once: the first bad event of each kind, the first pair, the first label. Without
/// that, retries of one unlucky entity are independent evidence, and they are not. To bets that begin later
/// it speaks once since they began (``RiskTest``).
///
/// Owned by one thread. An observation allocates nothing, but for the first after a copy was taken, which copies the
/// filters that it touches, and takes O(1), but for a new start, which empties a filter of 64 KiB.
package struct Evidence: Equatable, Sendable {
    /// The rule that was fixed at the start.
    package let rule: EvidenceRule
    /// The seed of the filters: the rollout's salt.
    package let seed: UInt64
    /// Everything that the verdict follows from.
    package internal(set) var counts = EvidenceCounts()
    /// What happened since the present step began.
    package internal(set) var step = StepCounts()
    /// What the evidence asks for now.
    package internal(set) var verdict = EvidenceVerdict.within
    /// What of the last observation was an entity's first: of its bad events, ...
    package internal(set) var counted = RequestOutcome()
    /// ... and of its pairs.
    package internal(set) var countedPair = false

    var later = LaterCounts()
    var weighed = WeighedEvidence()
    var bets: Bets
    var sampleRatioAlarm = false
    /// Entities by share when that alarm was raised, which it is recomputed from; empty without one.
    var splitAtAlarm: [ArmCounts] = []
    /// What the logarithms must reach before the rule needs them exactly, in fixed point: a hundredth
    /// of a nat below the freeze, and below the alarm of the split.
    let caution: Int64
    let suspicion: Int64
    /// The position in `counts.shares` of the present share.
    var shareIndex = 0

    // Who has spoken: entities and pairs are many, bad events few; neither crowds the other out.
    var seenEntities: EntityFilter
    var seenEvents: EntityFilter
    var seenLabels: EntityFilter
    /// Who has had a bad event since the later bets on its kind began.
    var seenLater: [EntityFilter]

    /// No evidence yet, at the canary's first share.
    ///
    /// - Parameters:
    ///   - seed: the rollout's salt, or anything else that is its own.
    ///   - share: the canary's share of entities, 0 to 1. For a shadow, both models of which answer the
    ///     same request, 0.5.
    package init(
        rule: EvidenceRule = EvidenceRule(), seed: UInt64, share: Double,
        filterBytes: FilterBytes = FilterBytes()
    ) throws(EvidenceError) {
        if let fault = rule.fault ?? filterBytes.fault { throw fault }
        self.rule = rule
        self.seed = seed
        bets = Bets(rule.tolerances)
        caution = LogValues.units(ofFactor: rule.freezeAt * 0.99)
        suspicion = LogValues.units(ofFactor: rule.sampleRatioAlarmAt * 0.99)
        seenEntities = EntityFilter(byteCount: filterBytes.entities, seed: seed)
        seenEvents = EntityFilter(byteCount: filterBytes.events, seed: seed)
        seenLabels = EntityFilter(byteCount: filterBytes.labels, seed: seed)
        seenLater = BadEvent.allCases.map { _ in
            EntityFilter(byteCount: filterBytes.later, seed: seed)
        }
        splitAtAlarm.reserveCapacity(EvidenceLimits.sharesMax)
        try setShare(share)
    }

    /// The merged evidence as a natural logarithm: ln 0.8 at the start, −ln(alpha) rolls back.
    package var logEvidence: Double { weighed.merged(rule.weights) }

    /// The evidence of one component as a natural logarithm, before its weight.
    package func logEvidence(of component: EvidenceComponent) -> Double {
        weighed.log(component)
    }

    /// Counts from here on under another share, and begins a step.
    ///
    /// Evidence belongs to the rollout, not to the step: what was learnt is kept.
    package mutating func beginStep(share: Double) throws(EvidenceError) {
        try setShare(share)
        let number = step.number + 1
        step = StepCounts()
        step.number = number
    }

    /// Whether another share can be told apart from those that were there, and all of `reserved` after it.
    package func hasRoom(forShare share: Double, keeping reserved: some Sequence<Double>) -> Bool {
        let used = Set(counts.shares.map(\.share))
        return used.contains(share)
            || used.union(reserved).union([share]).count <= EvidenceLimits.sharesMax
    }

    private mutating func setShare(_ share: Double) throws(EvidenceError) {
        guard share >= 0 && share <= 1 else { throw .outOfRange("share") }
        if let index = counts.shares.firstIndex(where: { $0.share == share }) {
            shareIndex = index
            return
        }
        guard counts.shares.count < EvidenceLimits.sharesMax else { throw .tooManyShares }
        shareIndex = counts.shares.count
        counts.shares.append(ShareCounts(share: share))
        bets.addShare(share)
        later.addShare()
    }

    /// Whether the counts at the alarm of the split, if there was one, are reason for it. Records before the third
    /// version have no counts of it, and are believed.
    var isSplitAlarmSound: Bool {
        guard !splitAtAlarm.isEmpty else { return sampleRatioAlarm }
        var values = LogValues()
        for (index, arms) in splitAtAlarm.enumerated() {
            values.add(bets.sampleRatio[index], times: arms)
        }
        return values.logMean(RelativeRisk.tiltLanes) >= Logarithm.natural(rule.sampleRatioAlarmAt)
    }

    /// Goes on from recorded counts and starts; every logarithm is computed from them.
    mutating func resume(
        _ counts: EvidenceCounts, _ later: LaterCounts, _ onsets: [Onsets], shareIndex: Int
    ) {
        for share in counts.shares.dropFirst() { bets.addShare(share.share) }
        self.counts = counts
        self.later = later
        self.shareIndex = shareIndex
        weighed = WeighedEvidence(counts, later, bets: bets, onsets: onsets)
    }

    /// Two rollouts are equal if they have seen the same and conclude the same.
    package static func == (left: Evidence, right: Evidence) -> Bool {
        left.rule == right.rule && left.seed == right.seed && left.counts == right.counts
            && left.step == right.step && left.verdict == right.verdict
            && left.weighed == right.weighed && left.shareIndex == right.shareIndex
            && left.sampleRatioAlarm == right.sampleRatioAlarm
            && left.splitAtAlarm == right.splitAtAlarm && left.later == right.later
            && left.seenEntities == right.seenEntities && left.seenEvents == right.seenEvents
            && left.seenLabels == right.seenLabels && left.seenLater == right.seenLater
    }
}

/// How much memory a rollout spends on who has spoken; powers of two.
package struct FilterBytes: Equatable, Sendable {
    /// For entities and pairs: 1 MiB drops 1 new entity of 1,000 after 500,000 of them, 1 of 4 after 2 million.
    package var entities = 1 << 20
    /// For entities with a bad event.
    package var events = 1 << 18
    /// For entities with a label.
    package var labels = 1 << 18
    /// For entities with a bad event since the later bets began, of each kind: forgotten again and again.
    package var later = 1 << 16

    /// The default sizes, 1.7 MiB together.
    package init() {}

    var fault: EvidenceError? {
        for (name, count) in [
            ("entities", entities), ("events", events), ("labels", labels), ("later", later),
        ]
        where count < EvidenceLimits.filterBytesMin || count > EvidenceLimits.filterBytesMax
            || count & (count - 1) != 0
        {
            return .outOfRange("filter_bytes.\(name)")
        }
        return nil
    }
}
