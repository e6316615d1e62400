// SPDX-License-Identifier: Apache-2.0

/// Bets that a canary is bad since some moment, for all moments at once.
///
/// A product of bets that began with the rollout owes to the canary every good hour that it had: one that
/// turns bad late would have to lose all of that again. So each lane is a mixture Σ wⱼ Pₜ/P(sⱼ) of the
/// same product begun at the times sⱼ, each time the product had fallen to a new low. The sⱼ depend on the
/// past only and the weights are fixed and add up to 1. With the stakes that are still in hand, those of
/// the bets that have not begun, the sum is a supermartingale that begins at 1; what is used is the sum
/// without them, which is never larger, so the guarantee is the same (Shin, Ramdas and Rinaldo 2022,
/// "E-detectors", arXiv 2203.03532, section 4, with weights in the place of a sum).
///
/// What it costs: a canary that is bad from its first day meets a threshold 0.22 nats higher. What the
/// j-th start costs is ln(5j(j + 1)).
///
/// The product is a sum of counts times constants (``LogValues``); of the starts only Σ wⱼ/P(sⱼ) is kept,
/// as a logarithm. That sum does depend on the order of what came, so it is a part of the record.
struct OnsetMixture: Equatable, Sendable {
    /// The share of the bets that begin with the rollout; the others are for later.
    static var firstWeight: Double { 0.8 }
    /// How far a product falls between two starts: a nat.
    static var spacing: Int64 { 1 << 32 }

    /// The logarithms of the products since the beginning.
    private(set) var products: LogValues
    /// The starts.
    private(set) var onsets: Onsets

    /// Nothing observed.
    init(onsets: Onsets = Onsets()) {
        self.init(products: LogValues(), onsets: onsets)
    }

    init(products: LogValues, onsets: Onsets) {
        self.products = products
        self.onsets = onsets
    }

    /// Multiplies every lane by a factor whose logarithm is given.
    @inline(__always)
    mutating func add(_ step: LogValues.Lanes) {
        products.add(step)
        for lane in step.indices where products.units[lane] <= onsets.next[lane] {
            onsets.begin(lane, at: products.units[lane])
        }
    }

    /// The same, but all lanes begin anew at once, when the last of them has fallen far enough; whether they did.
    @inline(__always)
    mutating func add(_ step: LogValues.Lanes, beginningTogether lanes: Range<Int>) -> Bool {
        products.add(step)
        for lane in lanes where products.units[lane] > onsets.next[lane] { return false }
        for lane in lanes { onsets.begin(lane, at: products.units[lane]) }
        return true
    }

    /// The logarithms of the mixtures.
    @inline(__always)
    var values: LogValues {
        var lanes = products.units
        for lane in lanes.indices {
            // No overflow: a credit is at most the depth of its product's fall.
            lanes[lane] = max(lanes[lane] &+ onsets.credits[lane], LogValues.lowest)
        }
        return LogValues(units: lanes)
    }

    /// The largest mixture of the lanes in use.
    @inline(__always)
    func largest(_ lanes: Range<Int>) -> Int64 {
        var largest = LogValues.lowest
        for lane in lanes {
            largest = max(largest, products.units[lane] &+ onsets.credits[lane])
        }
        return largest
    }

    /// The logarithm of the mean of the mixtures of the lanes in use.
    func logMean(_ lanes: Range<Int>) -> Double { values.logMean(lanes) }
}

/// When the bets of an ``OnsetMixture`` have begun, as far as it matters.
struct Onsets: Equatable, Sendable {
    /// ln Σ wⱼ/P(sⱼ) of each lane, in units of 2⁻³² nats, rounded down.
    var credits: LogValues.Lanes
    /// The product at or below which the next start is.
    var next: LogValues.Lanes
    /// Starts after the first.
    var counts: LogValues.Lanes

    /// One start, at the beginning.
    init() {
        credits = .init(repeating: LogValues.units(ofFactor: OnsetMixture.firstWeight))
        next = .init(repeating: -OnsetMixture.spacing)
        counts = .init(repeating: 0)
    }

    /// One start at the beginning, with all the weight, and no other ever: the first version of the rule.
    static var never: Onsets {
        var onsets = Onsets()
        onsets.credits = .init(repeating: 0)
        onsets.next = .init(repeating: .min)
        return onsets
    }

    /// One start, at the beginning, with its part of the weight.
    static var first: Onsets {
        var onsets = Onsets()
        onsets.next = .init(repeating: .min)
        return onsets
    }

    /// No start yet: what begins later.
    static var later: Onsets {
        var onsets = Onsets()
        onsets.credits = .init(repeating: LogValues.lowest)
        return onsets
    }

    /// None, ever: what there was no more of before the third version of the rule.
    static var none: Onsets {
        var onsets = Onsets.later
        onsets.next = .init(repeating: .min)
        return onsets
    }

    /// Begins once more in one lane, whose product is `units`.
    mutating func begin(_ lane: Int, at units: Int64) {
        // A lane that is worth nothing stays so.
        guard units > LogValues.lowest else {
            next[lane] = .min
            return
        }
        counts[lane] &+= 1
        let count = Double(counts[lane])
        let weight = (1 - OnsetMixture.firstWeight) / (count * (count + 1))
        let start = LogValues.units(ofFactor: weight) &- units
        let larger = max(credits[lane], start)
        let smaller = min(credits[lane], start)
        let ratio = Logarithm.exponential(Double(smaller &- larger) / LogValues.unitsPerNat)
        credits[lane] = larger &+ LogValues.units(ofFactor: 1 + ratio)
        next[lane] = units &- OnsetMixture.spacing
    }

    static func == (left: Onsets, right: Onsets) -> Bool {
        left.credits.indices.allSatisfy {
            left.credits[$0] == right.credits[$0] && left.next[$0] == right.next[$0]
                && left.counts[$0] == right.counts[$0]
        }
    }
}
