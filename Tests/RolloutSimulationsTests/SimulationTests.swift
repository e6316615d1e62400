// SPDX-License-Identifier: Apache-2.0

import Rollout
import RolloutSimulations
import Testing

struct `A proportion` {
    @Test func `has the bounds of the textbook`() {
        // Clopper and Pearson: none of 1,000 leaves 0.2991 % at 95 %, one sided.
        #expect(abs(Proportion(count: 0, runs: 1_000).upperBound - 0.002_991) < 1e-5)
        #expect(abs(Proportion(count: 3, runs: 10).chance(ifProbability: 0.3) - 0.6172) < 1e-4)
    }
}

/// The simulations of `make soak`, short enough for every run; seeds are fixed and printed with a failure.
///
/// With alpha at 5 % and a few hundred rollouts a wrong formula shows as surely as with 0.1 % and 20,000.
struct `Simulated rollouts` {
    @Test(arguments: Scenarios.boundary.indices)
    func `within their tolerances are rolled back at most as often as alpha`(
        index: Int
    ) throws {
        var (name, world) = Scenarios.boundary[index]
        world.rule.alpha = 0.05
        world.rule.freezeAt = 10
        world.badEntities = 300
        let found = try world.falseRollbacks(rollouts: 150, seed: 1)
        let chance = found.chance(ifProbability: world.rule.alpha)
        if world.retriesAreKnown {
            #expect(chance > 0.001, "\(name): \(found), seeds from 1")
        } else {
            #expect(chance < 1e-9, "\(name): \(found); the simulation sees nothing")
        }
    }

    @Test(arguments: Scenarios.returning.indices)
    func `among entities that return are rolled back at most as often as alpha`(
        index: Int
    ) throws {
        var (name, world) = Scenarios.returning[index]
        world.rule.alpha = 0.05
        world.rule.freezeAt = 10
        world.requests = 20_000
        let found = try world.falseRollbacks(rollouts: 60, seed: 1)
        #expect(
            found.chance(ifProbability: world.rule.alpha) > 0.001, "\(name): \(found), seeds from 1"
        )
    }

    @Test(arguments: Scenarios.shared.indices)
    func `that fail with STABLE are rolled back at most as often as alpha`(index: Int) throws {
        var (name, world) = Scenarios.shared[index]
        world.rule.alpha = 0.05
        world.rule.freezeAt = 10
        let found = try world.falseRollbacks(rollouts: 60, seed: 1)
        #expect(
            found.chance(ifProbability: world.rule.alpha) > 0.001, "\(name): \(found), seeds from 1"
        )
    }

    @Test func `within their tolerances are no worse off when the share that is watched moves`()
        throws
    {
        var world = BudgetWorld()
        world.rule.alpha = 0.05
        world.rule.freezeAt = 10
        let found = try world.falseRollbacks(rollouts: 150, seed: 1)
        #expect(found.chance(ifProbability: 0.05) > 0.001, "\(found), seeds from 1")
        // It did move, or nothing was shown.
        let ratios = try world.ratios(seed: 1)
        #expect(ratios.lowerBound < 0.1 && ratios.upperBound > 0.4, "\(ratios)")
    }

    @Test func `are split as the weight says whatever share of them is watched`() throws {
        var world = BudgetWorld()
        world.rule.sampleRatioAlarmAt = 20
        world.watchedEntities = 1_000
        let found = try world.falseSplits(rollouts: 150, seed: 1)
        #expect(found.chance(ifProbability: 0.05) > 0.001, "\(found), seeds from 1")
    }

    @Test func `that are bad last as long as the design's table says`() throws {
        // The quick ones of the table; the rest is `make soak`'s. 200 rollouts put a median within 10 %.
        for expected in Scenarios.delays where expected.isQuick {
            let median = try expected.canary.medianDelay(rollouts: 200, seed: 3)
            let ratio = median / expected.table
            #expect(abs(ratio - 1) <= 0.2, "\(expected.name): \(median), seeds from 3")
        }
    }

    @Test func `that turn bad late do not last for ever`() throws {
        let canary = BadCanary.errors(risk: 5, share: 0.05, baseRate: 0.002)
        let atOnce = try canary.medianDelay(rollouts: 50, weight: 0.3, seed: 5)
        let late = try canary.medianDelay(rollouts: 50, weight: 0.3, after: 2_000, seed: 5)
        #expect(late <= 4 * atOnce, "\(late) against \(atOnce), seeds from 5")
    }

    @Test func `that get no traffic, or the same few entities, never advance`() throws {
        for entities in [0, 1, 50] {
            let end = try QuietWorld.end(
                entitiesPerHour: entities, requestsPerEntity: 2, seed: UInt64(entities))
            #expect(end == .paused, "\(entities) entities")
        }
    }

    @Test func `that are healthy and busy do advance`() throws {
        #expect(try QuietWorld.healthyEnd(seed: 1) == .advanced)
    }
}

struct `A simulated world` {
    @Test func `that stays as it is pages nobody`() throws {
        var world = DriftWorld()
        world.features = 2
        world.referenceValues = 5_000
        #expect(try world.pages(windows: 50, seed: 1) == 0)
    }

    @Test func `exceeds the threshold of PSI as rarely as was asked for`() {
        let found = DriftWorld.excesses(
            windows: 600, windowValues: 100, referenceValues: 500, error: 0.02, seed: 1)
        #expect(found.chance(ifProbability: 0.03) > 0.001, "\(found)")
    }

    @Test func `that shifts is a page as soon and as surely as its size says`() throws {
        // A mean that moves by d deviations has the divergence d², of which the deciles see most.
        #expect(abs(DriftWorld.index(shift: 0.1) - 0.01) < 0.001)
        #expect(DriftWorld.index(shift: 0.5) < 0.25 && DriftWorld.index(shift: 0.5) > 0.2)
        for expected in Scenarios.shifts {
            let runs = try DriftWorld().windowsToNotice(
                shift: expected.deviations, runs: 20, seed: 1)
            #expect(expected.holds(for: runs), "\(expected.deviations): \(runs), seeds from 1")
        }
        // Too few, too late, or one that nobody asked for is not as it must be.
        let one = Scenarios.shifts[3]
        #expect(!one.holds(for: [3, nil]) && !one.holds(for: [3, 4]))
        #expect(!Scenarios.shifts[0].holds(for: [nil, 3]))
    }

    @Test func `that shifts by its deviation is a page after three windows`() throws {
        var world = DriftWorld()
        world.referenceValues = 5_000
        #expect(try world.windowsToNotice(shift: 1, seed: 1) == 3)
    }

    @Test func `alarms about a rate at its limit at most once in the run length`() {
        let alarms = DriftWorld.rateAlarms(windows: 2_000, runLength: 50, seed: 1)
        #expect(alarms <= 40)
    }
}
