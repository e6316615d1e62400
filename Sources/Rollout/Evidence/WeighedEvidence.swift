// SPDX-License-Identifier: Apache-2.0

/// The logarithms that follow from the counts and from when bets began: kept while counting, recomputed by
/// `explain`.
struct WeighedEvidence: Equatable, Sendable {
    /// The bets against each kind of bad event.
    private(set) var errors = RiskTest()
    private(set) var sloMisses = RiskTest()
    private(set) var fallbacks = RiskTest()
    /// The bets against decision flips.
    var flips = OnsetMixture()
    /// The bets on paired losses.
    var brier = OnsetMixture()
    /// The bets on the canary's errors, and on its differences from the stable model.
    var absolute = OnsetMixture()
    var relative = OnsetMixture()
    /// The bets against the split of entities.
    var sampleRatio = LogValues()

    /// No evidence: every product is 1.
    init() {}

    /// The same from a record, in one go.
    init(_ counts: EvidenceCounts, _ later: LaterCounts, bets: Bets, onsets: [Onsets]) {
        var products = counts.products(bets)
        sampleRatio = products.removeLast()
        products += BadEvent.allCases.map { later.product($0, bets) }
        for (place, mixture) in Self.mixtures.enumerated() {
            self[keyPath: mixture] = OnsetMixture(products: products[place], onsets: onsets[place])
        }
    }

    /// All bets, in the order of records.
    static var mixtures: [WritableKeyPath<WeighedEvidence, OnsetMixture>] {
        [
            \.errors.first, \.sloMisses.first, \.fallbacks.first, \.flips, \.brier, \.absolute,
            \.relative, \.errors.later, \.sloMisses.later, \.fallbacks.later,
        ]
    }

    /// How many of them records of the second version have.
    static let mixturesOfVersion2 = 7

    /// The products of what labels add.
    var labelSums: LabelSums {
        LabelSums(
            brier: brier.products, absolute: absolute.products, relative: relative.products)
    }

    /// The bets against one kind of bad event.
    subscript(event: BadEvent) -> RiskTest {
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
        case .errors: errors.log
        case .sloMisses: sloMisses.log
        case .fallbacks: fallbacks.log
        case .decisionFlips: flips.logMean(FlipTest.lanes)
        case .pairedBrier: brier.logMean(BrierTest.lanes)
        case .calibration: CalibrationTest.log(absolute: absolute, relative: relative)
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
        var bound = max(errors.bound, sloMisses.bound, fallbacks.bound)
        bound = max(bound, flips.largest(FlipTest.lanes))
        bound = max(bound, brier.largest(BrierTest.lanes))
        return max(bound, CalibrationTest.bound(absolute: absolute, relative: relative))
    }
}
