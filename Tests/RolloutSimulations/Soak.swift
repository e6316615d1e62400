// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc
internal import Rollout

/// All simulations at full length, with what each must show.
struct Soak {
    let rollouts: Int
    private var failures = 0

    init(rollouts: Int) {
        self.rollouts = rollouts
    }

    /// Runs them, prints a line each, and returns how many did not show it.
    mutating func run() throws -> Int {
        print("False rollbacks at the boundary of the tolerances; alpha is 0.1 %")
        for (name, world) in Scenarios.boundary { try falseRollbacks(name, world) }
        for (name, world) in Scenarios.returning {
            let found = try world.falseRollbacks(rollouts: max(rollouts / 10, 1), seed: 1)
            say("\(name): \(found)", found.chance(ifProbability: world.rule.alpha) > 0.001)
        }
        for (name, world) in Scenarios.shared {
            let found = try world.falseRollbacks(rollouts: max(rollouts / 10, 1), seed: 1)
            say("\(name): \(found)", found.chance(ifProbability: world.rule.alpha) > 0.001)
        }
        try budgeted()
        print("Median delay until rollback, against the table of the design")
        for expected in Scenarios.delays { try delay(expected) }
        print("Requests until rollback, all components merged, five times the errors at 5 %")
        try lateDelays()
        print("Drift")
        try drift()
        print("Advancing")
        try advancing()
        print(failures == 0 ? "All as it must be." : "\(failures) not as they must be.")
        return failures
    }

    private mutating func falseRollbacks(_ name: String, _ world: BoundaryWorld) throws {
        let start = MonotonicTime.now()
        // The control needs few to show that it is wrong.
        let runs = world.retriesAreKnown ? rollouts : min(rollouts, 1_000)
        let found = try world.falseRollbacks(rollouts: runs, seed: 1)
        let seconds = MonotonicTime.now().nanoseconds(since: start) / 1_000_000_000
        // Wrong if so many would come by chance once in a thousand, were it alpha.
        let isRight = found.chance(ifProbability: world.rule.alpha) > 0.001
        say("\(name): \(found), \(seconds) s", isRight == world.retriesAreKnown)
    }

    private mutating func budgeted() throws {
        let world = BudgetWorld()
        let found = try world.falseRollbacks(rollouts: rollouts / 4, seed: 1)
        say(
            "watched at shares of \(try world.ratios(seed: 1)): \(found)",
            found.chance(ifProbability: world.rule.alpha) > 0.001)
        let splits = try world.falseSplits(rollouts: rollouts / 4, seed: 1)
        say(
            "a split that is right taken as broken: \(splits)",
            splits.chance(ifProbability: 1 / world.rule.sampleRatioAlarmAt) > 0.001)
    }

    private mutating func delay(_ expected: Scenarios.Delay) throws {
        let runs = min(rollouts, expected.rolloutsMax)
        let median = try expected.canary.medianDelay(rollouts: runs, seed: 1)
        let ratio = median / expected.table
        say(
            "\(expected.name): \(Int(median)), table \(Int(expected.table)), "
                + "ratio \((ratio * 1_000).rounded() / 1_000)", abs(ratio - 1) <= 0.2)
    }

    private mutating func lateDelays() throws {
        let canary = BadCanary.errors(risk: 5, share: 0.05, baseRate: 0.002)
        var atOnce = 0.0
        for good in [0, 1_000, 10_000] {
            let median = try canary.medianDelay(
                rollouts: min(rollouts, 500), weight: 0.3, after: good, seed: 1)
            if good == 0 { atOnce = median }
            say(
                "after \(good) bad entities of a good canary: \(Int(median))", median <= 4 * atOnce)
        }
    }

    private mutating func drift() throws {
        let world = DriftWorld()
        let months = max(rollouts / 1_000, 1)
        let windows = Int(world.budget.windowsPerMonth) * months
        let pages = try world.pages(windows: windows, seed: 1)
        let budget = world.budget.falsePagesPerMonth * Double(months)
        say("\(pages) false pages in \(months) months, budget \(budget)", Double(pages) <= budget)
        let excesses = DriftWorld.excesses(
            windows: rollouts * 5, windowValues: 60, referenceValues: 1_000, error: 0.001, seed: 1)
        // χ² is the limit of large bins; with six values in a bin the tail may be half as long again.
        say(
            "PSI above its threshold for 60 values at 0.1 %: \(excesses)",
            excesses.chance(ifProbability: 0.0015) > 0.001)
        let alarms = DriftWorld.rateAlarms(windows: rollouts * 5, runLength: 100, seed: 1)
        say(
            "\(alarms) false alarms of a rate at its limit in \(rollouts * 5) windows, "
                + "at most \(rollouts / 20) on average", alarms <= rollouts / 20)
        for expected in Scenarios.shifts { try shift(expected, world) }
    }

    private mutating func shift(_ expected: Scenarios.Shift, _ world: DriftWorld) throws {
        let runs = max(min(rollouts / 100, 200), 20)
        let found = try world.windowsToNotice(shift: expected.deviations, runs: runs, seed: 1)
        let windows = found.compactMap(\.self).sorted()
        let times =
            windows.isEmpty
            ? ""
            : ", after \(windows[0]) to \(windows[windows.count - 1]) windows, "
                + "\(windows[windows.count / 2]) in the middle"
        let index = DriftWorld.index(shift: expected.deviations)
        say(
            "a shift by \(expected.deviations) deviations, PSI \((index * 1_000).rounded() / 1_000): "
                + "noticed in \(windows.count) of \(runs) runs of 50 windows\(times)",
            expected.holds(for: found))
    }

    private mutating func advancing() throws {
        var advanced = 0
        let runs = max(rollouts / 100, 20)
        for seed in 0..<UInt64(runs) {
            let entities = Int(seed % 5) * 50
            let end = try QuietWorld.end(
                entitiesPerHour: entities, requestsPerEntity: 3, seed: seed)
            if end == .advanced { advanced += 1 }
        }
        say("\(advanced) of \(runs) quiet rollouts advanced", advanced == 0)
        var healthy = 0
        for seed in 0..<20 as Range<UInt64> where try QuietWorld.healthyEnd(seed: seed) == .advanced
        {
            healthy += 1
        }
        say("\(healthy) of 20 healthy rollouts advanced", healthy == 20)
    }

    private mutating func say(_ line: String, _ isRight: Bool) {
        if !isRight { failures += 1 }
        print("  \(line)\(isRight ? "" : "  WRONG")")
        fflush(nil)
    }
}
