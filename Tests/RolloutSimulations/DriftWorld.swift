// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Rollout

/// Features whose world does not change, watched for months.
package struct DriftWorld: Sendable {
    package var features = 8
    /// Values that a window has, and that the reference was made of.
    package var windowValues = 1_000
    package var referenceValues = 20_000
    /// The rates of null, unseen and stale values: up to what each watch tolerates.
    package var nullRate = 0.02
    package var budget = DriftBudget(featureCount: 8)

    package init() {}

    /// Pages in so many windows of every feature; an alarm that lasts is one page.
    package func pages(windows: Int, seed: UInt64) throws -> Int {
        var pages = 0
        for feature in 0..<features {
            var draws = Draws(seed: seed &+ UInt64(feature))
            // The reference has half of the nulls, so that the world is as bad as is tolerated.
            let reference = try DriftReference(
                numbers: (0..<referenceValues).map { _ in value(&draws, nullRate: nullRate / 2) })
            var drift = FeatureDrift(reference: reference, budget: budget)
            var wasAlarm = false
            for _ in 0..<windows {
                var window = DriftWindow(reference.bins)
                for _ in 0..<windowValues {
                    window.count(
                        value(&draws, nullRate: nullRate), isStale: draws.happens(0.01))
                }
                window.add(to: &drift)
                let isAlarm = drift.closeWindow().isAlarm
                if isAlarm && !wasAlarm { pages += 1 }
                wasAlarm = isAlarm
            }
        }
        return pages
    }

    /// What PSI is of normal values whose mean has moved by `shift` standard deviations, over the deciles,
    /// for windows and references without end: Σ (a − b) ln(a/b).
    package static func index(shift: Double) -> Double {
        func below(_ value: Double) -> Double { erfc(-value / 2.0.squareRoot()) / 2 }
        var edges = (1...9).map { decile in
            var (low, high) = (-10.0, 10.0)
            for _ in 0..<60 {
                let middle = (low + high) / 2
                if below(middle) < Double(decile) / 10 { low = middle } else { high = middle }
            }
            return low
        }
        edges = [-40] + edges + [40]
        return zip(edges, edges.dropFirst()).reduce(0) { sum, bin in
            let share = below(bin.1 - shift) - below(bin.0 - shift)
            return sum + (share - 0.1) * log(share / 0.1)
        }
    }

    /// After how many windows each of so many runs notices a shift; nil for those that do not in 50.
    package func windowsToNotice(shift: Double, runs: Int, seed: UInt64) throws -> [Int?] {
        try (0..<UInt64(runs)).map { try windowsToNotice(shift: shift, seed: seed &+ $0) }
    }

    /// Windows until a shift of the mean by `shift` standard deviations is a page; nil if it takes more than 50.
    package func windowsToNotice(shift: Double, seed: UInt64) throws -> Int? {
        var draws = Draws(seed: seed)
        let reference = try DriftReference(
            numbers: (0..<referenceValues).map { _ in draws.normal() })
        var drift = FeatureDrift(reference: reference, budget: budget)
        for number in 1...50 {
            var window = DriftWindow(reference.bins)
            for _ in 0..<windowValues { window.count(draws.normal() + shift) }
            window.add(to: &drift)
            if drift.closeWindow().isShifted { return number }
        }
        return nil
    }

    /// Windows in which PSI exceeds the χ² part of its threshold by chance, at `error` a window.
    package static func excesses(
        windows: Int, windowValues: Int, referenceValues: Int, error: Double, seed: UInt64
    ) -> Proportion {
        var draws = Draws(seed: seed)
        var count = 0
        for _ in 0..<windows {
            // Bins are those of the truth; both samples fall into them by chance.
            var counts = [UInt64](repeating: 0, count: 10)
            var reference = counts
            for _ in 0..<windowValues { counts[Int(draws.uniform() * 10)] += 1 }
            for _ in 0..<referenceValues { reference[Int(draws.uniform() * 10)] += 1 }
            let threshold = PSI.threshold(
                values: UInt64(windowValues), referenceValues: UInt64(referenceValues), bins: 10,
                error: error)
            if PSI.index(counts, reference: reference) > threshold { count += 1 }
        }
        return Proportion(count: count, runs: windows)
    }

    /// False alarms of one rate that is exactly as high as is tolerated.
    package static func rateAlarms(windows: Int, runLength: Double, seed: UInt64) -> Int {
        var draws = Draws(seed: seed)
        var rate = RateChange(rateMax: 0.02, runLength: runLength)
        var alarms = 0
        var wasOn = false
        for _ in 0..<windows {
            var count: UInt64 = 0
            for _ in 0..<200 where draws.happens(0.02) { count += 1 }
            let isOn = rate.close(count: count, of: 200)
            if isOn && !wasOn { alarms += 1 }
            wasOn = isOn
        }
        return alarms
    }

    private func value(_ draws: inout Draws, nullRate: Double) -> Double {
        draws.happens(nullRate) ? .nan : draws.uniform()
    }
}
