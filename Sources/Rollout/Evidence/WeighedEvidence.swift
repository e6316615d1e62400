// SPDX-License-Identifier: Apache-2.0

/// The logarithms that follow from the counts: kept while counting, recomputed by `explain`.
struct WeighedEvidence: Equatable, Sendable {
    /// The bets against each kind of bad event.
    private(set) var errors = LogValues()
    private(set) var sloMisses = LogValues()
    private(set) var fallbacks = LogValues()
    /// The bets against decision flips.
    var flips = LogValues()
    /// The bets on labels: paired losses, and the two of calibration.
    var labels = LabelSums()
    /// The bets against the split of entities.
    var sampleRatio = LogValues()

    /// No evidence: every product is 1.
    init() {}

    /// The same from a record, in one go.
    init(_ counts: EvidenceCounts, bets: Bets) {
        for (index, share) in counts.shares.enumerated() {
            for event in BadEvent.allCases {
                self[event].add(bets.risk[index], times: share[event])
            }
            sampleRatio.add(bets.sampleRatio[index], times: share.entities)
        }
        flips = bets.flips.values(pairs: counts.pairs, differing: counts.differingPairs)
        labels = counts.labelSums
    }

    /// The bets against one kind of bad event.
    subscript(event: BadEvent) -> LogValues {
        get {
            switch event {
            case .error: errors
            case .sloMiss: sloMisses
            case .fallback: fallbacks
            }
        }
        _modify {
            switch event {
            case .error: yield &errors
            case .sloMiss: yield &sloMisses
            case .fallback: yield &fallbacks
            }
        }
    }

    /// The logarithm of one component's evidence.
    func log(_ component: EvidenceComponent) -> Double {
        switch component {
        case .errors: errors.logMean(RelativeRisk.worseLanes)
        case .sloMisses: sloMisses.logMean(RelativeRisk.worseLanes)
        case .fallbacks: fallbacks.logMean(RelativeRisk.worseLanes)
        case .decisionFlips: flips.logMean(FlipTest.lanes)
        case .pairedBrier: labels.brier.logMean(BrierTest.lanes)
        case .calibration:
            CalibrationTest.log(absolute: labels.absolute, relative: labels.relative)
        }
    }

    /// ln Σ weight · E, by the largest term so that nothing overflows.
    func merged(_ weights: [Double]) -> Double {
        var terms = [6 of Double](repeating: -.infinity)
        var largest = -Double.infinity
        for lane in terms.indices {
            terms[lane] = log(EvidenceComponent.inOrder[lane]) + Logarithm.natural(weights[lane])
            largest = max(largest, terms[lane])
        }
        var sum = 0.0
        for lane in terms.indices { sum += Logarithm.exponential(terms[lane] - largest) }
        return largest + Logarithm.natural(sum)
    }

    /// What ``merged(_:)`` does not exceed, in fixed point: no mean exceeds its largest term.
    ///
    /// A canary that does well is judged by this alone, without an exponential.
    @inline(__always)
    var bound: Int64 {
        var bound = max(
            errors.largest(RelativeRisk.worseLanes), sloMisses.largest(RelativeRisk.worseLanes))
        bound = max(bound, fallbacks.largest(RelativeRisk.worseLanes))
        bound = max(bound, flips.largest(FlipTest.lanes))
        bound = max(bound, labels.brier.largest(BrierTest.lanes))
        return max(
            bound, CalibrationTest.bound(absolute: labels.absolute, relative: labels.relative))
    }
}

/// What labels add, in fixed point: a record by itself, because losses are no counts.
struct LabelSums: Equatable, Sendable {
    /// Of paired losses.
    var brier = LogValues()
    /// Of the canary's errors.
    var absolute = LogValues()
    /// Of the canary's differences from the stable model.
    var relative = LogValues()
}
