// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// The worlds that are simulated, shortly in tests and at length by `make soak`.
package enum Scenarios {
    /// Canaries at the boundary of their tolerances.
    package static var boundary: [(name: String, world: BoundaryWorld)] {
        var single = BoundaryWorld()
        single.rule.weights = [1, 0, 0, 0, 0, 0]
        var stepped = single
        stepped.shares = [0.01, 0.05, 0.25, 0.5]
        var late = single
        late.goodEntities = 1_000
        var merged = BoundaryWorld()
        merged.events = BadEvent.allCases
        merged.pairsPerBadEntity = 2
        merged.labelsPerBadEntity = 1
        var retried = single
        retried.retries = 5
        var unknown = retried
        unknown.retriesAreKnown = false
        return [
            ("errors alone, 5 %", single), ("errors alone, 1/5/25/50 %", stepped),
            ("errors alone, better at first", late),
            ("all six merged", merged), ("errors with 5 retries an entity", retried),
            ("the same without knowing them, which must be too many", unknown),
        ]
    }

    /// Canaries at the boundary among entities that come again and again.
    package static var returning: [(name: String, world: ReturningWorld)] {
        let quiet = ReturningWorld()
        var outage = quiet
        outage.outage = 20_000
        var short = outage
        short.outage = 5_000
        var even = outage
        even.share = 0.5
        var equal = outage
        equal.rule.tolerances.relativeRiskMax = 1
        var sticky = quiet
        sticky.isSticky = true
        sticky.share = 0.5
        var stickyOutage = outage
        stickyOutage.isSticky = true
        return [
            ("5,000 entities that return", quiet),
            ("the same after an outage of STABLE's", outage),
            ("the same after a short one", short),
            ("the same at 50 %", even),
            ("the same with no tolerance", equal),
            ("with errors that are an entity's own, at 50 %", sticky),
            ("with errors that are an entity's own, after an outage", stickyOutage),
        ]
    }

    /// Shadows at the boundary whose errors are mostly STABLE's too.
    package static var shared: [(name: String, world: SharedWorld)] {
        let mostly = SharedWorld()
        var rarely = mostly
        (rarely.bothRate, rarely.stableRate, rarely.requests) = (0.01, 0.02, 60_000)
        var never = rarely
        (never.bothRate, never.stableRate) = (0, 0.02)
        var returning = mostly
        (returning.entities, returning.requests) = (2_000, 60_000)
        return [
            ("a shadow that shares STABLE's errors", mostly),
            ("a shadow that shares some of them", rarely),
            ("a shadow that shares none", never),
            ("a shadow that shares them, of 2,000 entities", returning),
        ]
    }

    /// How long a bad canary lasts, by the table of the design (one component alone at 1/alpha).
    package struct Delay: Sendable {
        package let name: String
        package let canary: BadCanary
        package let table: Double
        package let rolloutsMax: Int

        /// Whether a few hundred rollouts take a moment even without an optimiser.
        package var isQuick: Bool {
            switch canary {
            case .errors(let risk, _, _): risk >= 5
            case .flips(let rate): rate >= 0.06
            case .bias, .noise: false
            }
        }
    }

    /// A shift of a feature's mean, and when it must be a page.
    package struct Shift: Sendable {
        package let deviations: Double
        /// The part of runs in which it is one within 50 windows.
        package let noticed: ClosedRange<Double>
        /// The windows that it takes in each of them.
        package let windows: ClosedRange<Int>

        /// Whether it was as it must be in runs that noticed it after so many windows, or did not.
        package func holds(for runs: [Int?]) -> Bool {
            let found = runs.compactMap(\.self)
            return noticed.contains(Double(found.count) / Double(runs.count))
                && found.allSatisfy(windows.contains)
        }
    }

    /// Pages are for a PSI from 0.25 on, three windows in a row. So a shift whose PSI is well below it never is
    /// one, one at 0.25 is by chance and not at once, and one well above it is after three windows.
    package static var shifts: [Shift] {
        [
            Shift(deviations: 0.4, noticed: 0...0, windows: 3...50),
            Shift(deviations: 0.5, noticed: 0.7...1, windows: 3...50),
            Shift(deviations: 0.75, noticed: 1...1, windows: 3...3),
            Shift(deviations: 1, noticed: 1...1, windows: 3...3),
        ]
    }

    /// The table: requests at a base rate of 0.2 %, pairs, labels.
    package static var delays: [Delay] {
        let requests: [(share: Double, risk: Double, table: Double)] = [
            (0.01, 2, 2_300_000), (0.01, 3, 447_000), (0.01, 5, 124_000), (0.01, 10, 33_000),
            (0.05, 2, 497_000), (0.05, 3, 91_000), (0.05, 5, 26_000), (0.05, 10, 7_600),
            (0.10, 2, 269_000), (0.10, 3, 49_000), (0.10, 5, 14_000), (0.10, 10, 4_200),
        ]
        var delays = requests.map { row in
            Delay(
                name: "errors x \(Int(row.risk)) at \(Int(row.share * 100)) %, requests",
                canary: .errors(risk: row.risk, share: row.share, baseRate: 0.002),
                table: row.table, rolloutsMax: 2_000)
        }
        for (rate, table) in [(0.03, 3_200.0), (0.04, 870), (0.06, 270), (0.10, 89)] {
            delays.append(
                Delay(
                    name: "flips \(Int((rate * 100).rounded())) %, pairs",
                    canary: .flips(rate: rate), table: table, rolloutsMax: 2_000))
        }
        for (bias, table) in [(0.03, 3_600.0), (0.05, 965)] {
            delays.append(
                Delay(
                    name: "bias \(Int((bias * 100).rounded())) pp, labels",
                    canary: .bias(bias), table: table, rolloutsMax: 2_000))
        }
        for (noise, table) in [(0.5, 14_500.0), (1.0, 1_800), (1.5, 605)] {
            delays.append(
                Delay(
                    name: "log-odds noise \(noise), labels", canary: .noise(noise),
                    table: table, rolloutsMax: 1_000))
        }
        return delays
    }
}
