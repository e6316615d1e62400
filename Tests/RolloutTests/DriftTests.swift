// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import RolloutSimulations
import Testing

struct `A drift reference` {
    @Test func `that was stored wrongly is refused`() {
        #expect(throws: EvidenceError.self) {
            try DriftReference(bins: .numbers(edges: [1, 1]), counts: [1, 2, 3])
        }
        #expect(throws: EvidenceError.self) {
            try DriftReference(bins: .numbers(edges: [1, 2]), counts: [1, 2])
        }
        #expect(throws: EvidenceError.self) {
            try DriftReference(bins: .numbers(edges: [1, .nan]), counts: [1, 2, 3])
        }
        #expect(throws: EvidenceError.self) {
            try DriftReference(bins: .categories(top: [2, 1], known: []), counts: [1, 1, 1, 1, 1])
        }
        #expect(throws: EvidenceError.self) {
            try DriftReference(bins: .numbers(edges: [1, 2]), counts: [1, 2, .max])
        }
    }
}

struct `The bounds of a stored reference` {
    @Test func `are met at the limit and not beyond`() throws {
        func edges(_ count: Int) throws -> DriftReference {
            try DriftReference(
                bins: .numbers(edges: (0..<count).map { Double($0) }),
                counts: [UInt64](repeating: 1, count: count + 1))
        }
        #expect(try edges(DriftReference.binsMax).bins.count == DriftReference.binsMax + 1)
        #expect(throws: EvidenceError.outOfRange("reference.edges")) {
            try edges(DriftReference.binsMax + 1)
        }
        func known(_ count: Int) throws -> DriftReference {
            try DriftReference(
                bins: .categories(top: [], known: (0..<UInt64(count)).map { $0 }),
                counts: [0, 0, 0])
        }
        _ = try known(DriftReference.knownCategoriesMax)
        #expect(throws: EvidenceError.outOfRange("reference.categories")) {
            try known(DriftReference.knownCategoriesMax + 1)
        }
    }

    @Test func `of a budget are named when they are missed`() {
        func fault(_ change: (inout DriftBudget) -> Void) -> EvidenceError? {
            var budget = DriftBudget(featureCount: 5)
            change(&budget)
            return budget.fault
        }
        #expect(fault { _ in } == nil)
        #expect(fault { $0.falsePagesPerMonth = .nan } == .outOfRange("false_pages_per_month"))
        #expect(fault { $0.windowMilliseconds = 99 } == .outOfRange("window_milliseconds"))
        #expect(fault { $0.featureCount = 1_000_001 } == .outOfRange("feature_count"))
    }
}

struct `The population stability index` {
    @Test func `is that of the formula`() {
        // a = (10.5, 30.5)/41, b = (20.5, 20.5)/41.
        #expect(abs(PSI.index([10, 30], reference: [20, 20]) - 0.260_085_7) < 1e-6)
        #expect(PSI.index([5, 5], reference: [5, 5]) == 0)
    }

    @Test func `has a threshold that small samples raise`() {
        // χ² with 9 degrees of freedom exceeds 21.666 with probability 1 %.
        let small = PSI.threshold(values: 50, referenceValues: 100, bins: 10, error: 0.01)
        #expect(abs(small - 0.03 * 21.666) < 1e-4)
        let large = PSI.threshold(values: 10_000, referenceValues: 10_000, bins: 10, error: 0.01)
        #expect(large == 0.25)
        // With 10 degrees, an even number, 23.209.
        let even = PSI.threshold(values: 50, referenceValues: 100, bins: 11, error: 0.01)
        #expect(abs(even - 0.03 * 23.209) < 1e-4)
        let nothing = PSI.threshold(values: 0, referenceValues: 5, bins: 10, error: 0.1)
        #expect(nothing == .infinity)
    }
}

struct `A feature` {
    static let budget = DriftBudget(featureCount: 40)

    private func watched() throws -> FeatureDrift {
        FeatureDrift(
            reference: try DriftReference(numbers: (0..<10_000).map { Double($0) }),
            budget: Self.budget)
    }

    @Test func `that shifts by half its spread is shifted after three windows, not before`() throws
    {
        var drift = try watched()
        var generator = SeededGenerator(seed: 1)
        for number in 1...4 {
            var window = DriftWindow(drift.reference.bins)
            for _ in 0..<1_000 { window.count(Double(generator.next() % 5_000 + 5_000)) }
            window.add(to: &drift)
            let status = drift.closeWindow()
            #expect(status.isShifted == (number >= 3))
        }
        var window = DriftWindow(drift.reference.bins)
        for _ in 0..<1_000 { window.count(Double(generator.next() % 10_000)) }
        window.add(to: &drift)
        let last = drift.closeWindow()
        #expect(!last.isShifted)
    }

    @Test func `keeps a window of 999 values open`() throws {
        var drift = try watched()
        var window = DriftWindow(drift.reference.bins)
        for index in 0..<999 { window.count(Double(index)) }
        window.add(to: &drift)
        drift.closeWindow()
        #expect(drift.counts.reduce(0, +) == 999)
        #expect(drift.psi == 0)
        var one = DriftWindow(drift.reference.bins)
        one.count(5)
        one.add(to: &drift)
        drift.closeWindow()
        #expect(drift.counts.reduce(0, +) == 0)
        #expect(drift.psi > 1)
    }

    @Test func `that is suddenly null, unseen or stale says which`() throws {
        for rate in FeatureRate.allCases {
            var drift = try watched()
            var generator = SeededGenerator(seed: 1)
            for _ in 0..<3 {
                var window = DriftWindow(drift.reference.bins)
                for index in 0..<1_000 {
                    let isBad = index % 10 == 0
                    let value = Double(generator.next() % 10_000)
                    window.count(
                        isBad && rate == .null ? .nan : isBad && rate == .unseen ? -1 : value,
                        isStale: isBad && rate == .stale)
                }
                window.add(to: &drift)
                drift.closeWindow()
            }
            #expect(drift.status.risenRates == [rate])
            #expect(drift.status.isAlarm)
        }
    }

    @Test func `counted on two loops is as if counted on one`() throws {
        var one = try watched()
        var two = one
        var whole = DriftWindow(one.reference.bins)
        var halves = [whole, whole]
        for index in 0..<2_000 {
            whole.count(Double(index), isStale: index % 50 == 0)
            halves[index % 2].count(Double(index), isStale: index % 50 == 0)
        }
        whole.add(to: &one)
        for half in halves { half.add(to: &two) }
        #expect(one.counts.reduce(0, +) == 2_000 && one.staleCount == 40)
        let first = one.closeWindow()
        let second = two.closeWindow()
        #expect(first == second)
        #expect(one == two)
    }
}

struct `A rate` {
    @Test func `that rises is noticed, and forgotten when it falls`() {
        var rate = RateChange(referenceRate: 0.01, runLength: 1e6)
        #expect(rate.rateMax == 0.02)
        for _ in 0..<500 {
            let isOn = rate.close(count: 10, of: 1_000)
            #expect(!isOn)
        }
        var windows = 0
        while !rate.close(count: 60, of: 1_000) { windows += 1 }
        #expect(windows <= 2)
        #expect(rate.alarmWindow == 500 + UInt64(windows) + 1)
        let isOn = rate.close(count: 60, of: 1_000)
        #expect(isOn)
        let stays = rate.close(count: 20, of: 1_000)
        #expect(!stays)
        #expect(rate.alarmWindow == nil)
    }

    @Test func `of a window with 199 values is not judged`() {
        var rate = RateChange(rateMax: 0.01, runLength: 100)
        let few = rate.close(count: 199, of: 199)
        #expect(!few)
        #expect(rate.windows == 0)
        let enough = rate.close(count: 200, of: 200)
        #expect(enough)
    }
}

struct `A drift alarm` {
    @Test func `of the canary alone freezes, of both pages`() {
        let policy = DriftPolicy()
        func response(_ stable: Bool, _ canary: Bool?) -> DriftResponse {
            policy.response(stable: stable, canary: canary, alarmAfterPromotionMilliseconds: 5)
        }
        #expect(response(false, nil) == .none)
        #expect(response(false, false) == .none)
        #expect(response(false, true) == .freeze)
        #expect(response(true, true) == .pageAndFreeze)
        #expect(response(true, false) == .pageAndFreeze)
        #expect(response(true, nil) == .pageAndFreeze)
    }

    @Test func `undoes a promotion within its bake time, if that is the policy`() {
        var policy = DriftPolicy()
        policy.onSharedDrift = .rollback
        policy.bakeMilliseconds = 1_000
        func response(_ age: UInt64?) -> DriftResponse {
            policy.response(stable: true, canary: nil, alarmAfterPromotionMilliseconds: age)
        }
        #expect(response(1_000) == .undo)
        #expect(response(1_001) == .pageAndFreeze)
        #expect(response(nil) == .pageAndFreeze)
    }
}
