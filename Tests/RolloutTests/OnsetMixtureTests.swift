// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import Rollout

struct `A mixture over onsets` {
    /// The bets on a fair coin, against "it is at most fair".
    private let coin = FlipTest(rateMax: 0.5)

    @Test func `is worth at most what was paid for it, over all that a fair coin can do`() {
        // Every sequence of 14 tosses, all equally likely: the mean of an e-process is at most 1, and here
        // four fifths at least, because its parts are martingales that have begun or are still to begin.
        let tosses = 14
        var worths = [Double](repeating: 0, count: 4)
        var starts: Int64 = 0
        for sequence in 0..<1 << tosses {
            var mixture = OnsetMixture()
            for toss in 0..<tosses {
                mixture.add(coin.step(differs: sequence >> toss & 1 == 1))
            }
            for lane in FlipTest.lanes {
                worths[lane] += exp(Double(mixture.values.units[lane]) / LogValues.unitsPerNat)
                starts = max(starts, mixture.onsets.counts[lane])
            }
        }
        for worth in worths {
            #expect(worth / Double(1 << tosses) <= 1)
            #expect(worth / Double(1 << tosses) >= 0.8 - 1e-6)
        }
        #expect(starts >= 2, "no bet began anew, so nothing was shown")
    }

    @Test func `speaks soon after a change, however long all was well before`() {
        func observationsUntilConvinced(after good: Int) -> (mixture: Int, single: Int) {
            let bets = FlipTest(rateMax: 0.02)
            var mixture = OnsetMixture()
            for _ in 0..<good { mixture.add(bets.step(differs: false)) }
            func count(_ logMean: (OnsetMixture) -> Double) -> Int {
                var mixture = mixture
                for count in 1...100_000 {
                    mixture.add(bets.step(differs: count % 10 == 0))
                    if logMean(mixture) >= 6.9 { return count }
                }
                return .max
            }
            return (
                count { $0.logMean(FlipTest.lanes) }, count { $0.products.logMean(FlipTest.lanes) }
            )
        }
        let fresh = observationsUntilConvinced(after: 0)
        #expect(fresh.mixture <= fresh.single * 11 / 10)
        let late = observationsUntilConvinced(after: 10_000)
        #expect(late.mixture < 4 * fresh.mixture)
        #expect(late.single > 10 * late.mixture)
    }

    @Test func `begins all lanes anew when the last has fallen`() {
        var mixture = OnsetMixture(onsets: .later)
        var step = LogValues.Lanes(repeating: -(1 << 31))
        step[1] = -(1 << 32)
        // Half a nat: only the second lane has fallen by one.
        let beganAtOnce = mixture.add(step, beginningTogether: 0..<2)
        #expect(!beganAtOnce)
        #expect(mixture.largest(0..<2) < -(1 << 60), "nothing is bet before the first start")
        let beganThen = mixture.add(step, beginningTogether: 0..<2)
        #expect(beganThen)
        #expect(mixture.onsets.counts[0] == 1 && mixture.onsets.counts[1] == 1)
        // A tenth of the stakes: ln 0.1, and rises with the product from there.
        #expect(abs(mixture.logMean(0..<2) - log(0.1)) < 1e-6)
        let beganAgain = mixture.add(
            LogValues.Lanes(repeating: 1 << 32), beginningTogether: 0..<2)
        #expect(!beganAgain)
        #expect(abs(mixture.logMean(0..<2) - log(0.1) - 1) < 1e-6)
    }

    @Test func `that may never begin again is the product alone`() {
        var mixture = OnsetMixture(products: LogValues(), onsets: .never)
        for toss in 0..<1_000 { mixture.add(coin.step(differs: toss % 5 == 0)) }
        #expect(mixture.values == mixture.products)
    }

    @Test func `of a product that has come to nothing stays there`() {
        var mixture = OnsetMixture()
        mixture.add(LogValues.Lanes(repeating: LogValues.lowest))
        mixture.add(LogValues.Lanes(repeating: 1 << 40))
        mixture.add(LogValues.Lanes(repeating: -(1 << 40)))
        #expect(mixture.largest(0..<8) <= LogValues.lowest)
        #expect(mixture.onsets.counts[0] == 0)
    }
}
