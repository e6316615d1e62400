// SPDX-License-Identifier: Apache-2.0

/// The logarithms that follow from the counts: kept while counting, recomputed by `explain`.
struct WeighedEvidence: Equatable, Sendable {
    /// The logarithm of each component's evidence, in a lane per ``EvidenceComponent``.
    private(set) var components = SIMD8<Double>.zero
    /// The logarithm of the merged evidence.
    private(set) var merged = 0.0

    private let logWeights: SIMD8<Double>
    private(set) var bets: Bets
    var risks: [LogValues]
    var flips = LogValues()

    /// No evidence: every product is 1.
    init(rule: EvidenceRule) {
        var logWeights = SIMD8<Double>(repeating: -.infinity)
        for (lane, weight) in rule.weights.enumerated() {
            logWeights[lane] = Logarithm.natural(weight)
        }
        self.logWeights = logWeights
        bets = Bets(rule: rule)
        risks = [LogValues](repeating: LogValues(), count: BadEvent.allCases.count)
        merge()
    }

    /// The same from a record, in one go.
    init(rule: EvidenceRule, counts: EvidenceCounts) {
        self.init(rule: rule)
        for (index, share) in counts.shares.enumerated() {
            addShare(share.share, rule: rule)
            for event in BadEvent.allCases {
                risks[event.rawValue].add(bets.risk[index], times: share[event])
            }
        }
        flips = bets.flips.values(pairs: counts.pairs, differing: counts.differingPairs)
        for event in BadEvent.allCases { weighRisk(event) }
        weighFlips()
        weighLabels(counts)
        merge()
    }

    /// Prepares the bets for one more share.
    mutating func addShare(_ share: Double, rule: EvidenceRule) {
        bets.addShare(share, rule: rule)
    }

    @inline(__always)
    mutating func weighRisk(_ event: BadEvent) {
        let log = risks[event.rawValue].logMean(0..<RelativeRisk.worse.count)
        components[EvidenceComponent(event).rawValue] = log
    }

    @inline(__always)
    mutating func weighFlips() {
        components[EvidenceComponent.decisionFlips.rawValue] = flips.logMean(FlipTest.lanes)
    }

    @inline(__always)
    mutating func weighLabels(_ counts: EvidenceCounts) {
        components[EvidenceComponent.pairedBrier.rawValue] = counts.brier.logMean(BrierTest.lanes)
        components[EvidenceComponent.calibration.rawValue] = CalibrationTest.logEvidence(
            absolute: counts.absoluteCalibration, relative: counts.relativeCalibration)
    }

    /// ln Σ weight · E, by the largest term so that nothing overflows.
    @inline(__always)
    mutating func merge() {
        let terms = components + logWeights
        let largest = terms.max()
        var sum = 0.0
        for lane in 0..<EvidenceComponent.allCases.count {
            sum += Logarithm.exponential(terms[lane] - largest)
        }
        merged = largest + Logarithm.natural(sum)
    }

    static func == (left: WeighedEvidence, right: WeighedEvidence) -> Bool {
        left.components == right.components && left.merged == right.merged
            && left.risks == right.risks && left.flips == right.flips
    }
}

/// What each observation adds, computed once: per share for the bets on arms, once for the others.
struct Bets: Sendable {
    private(set) var risk: [ArmSteps] = []
    private(set) var sampleRatio: [ArmSteps] = []
    let flips: FlipTest
    let brier: BrierTest
    let calibration: CalibrationTest

    init(rule: EvidenceRule) {
        flips = FlipTest(rateMax: rule.tolerances.flipRateMax)
        brier = BrierTest(margin: rule.tolerances.brierMargin)
        calibration = CalibrationTest(margin: rule.tolerances.calibrationMargin)
        risk.reserveCapacity(EvidenceLimits.sharesMax)
        sampleRatio.reserveCapacity(EvidenceLimits.sharesMax)
    }

    mutating func addShare(_ share: Double, rule: EvidenceRule) {
        risk.append(
            RelativeRisk.steps(
                share: share, null: rule.tolerances.relativeRiskMax, factors: RelativeRisk.worse))
        sampleRatio.append(
            RelativeRisk.steps(share: share, null: 1, factors: RelativeRisk.tilts))
    }
}
