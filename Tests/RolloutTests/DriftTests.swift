// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import Testing

struct `A drift reference` {
    @Test func `of numbers has ten bins of equal mass, and two for the rest`() {
        let reference = DriftReference(numbers: (0..<1_000).map { Double($0) } + [.nan, .infinity])
        #expect(reference.bins.count == 12)
        #expect(reference.counts == [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 1, 1])
        #expect(reference.total == 1_002)
    }

    @Test func `sorts numbers at and beside every edge as its edges say`() {
        let reference = DriftReference(numbers: (0...1_000).map { Double($0) })
        let bins = reference.bins
        guard case .numbers(let edges) = bins else {
            Issue.record("numbers have no edges")
            return
        }
        #expect(edges.first == 0 && edges.last == 1_000)
        for (index, edge) in edges.enumerated() {
            let isLast = index == edges.count - 1
            #expect(bins.index(ofNumber: edge) == (isLast ? index - 1 : index))
            if index > 0 { #expect(bins.index(ofNumber: edge.nextDown) == index - 1) }
        }
        #expect(bins.index(ofNumber: -0.001) == bins.unseenIndex)
        #expect(bins.index(ofNumber: 1_000.001) == bins.unseenIndex)
        #expect(bins.index(ofNumber: .nan) == bins.missingIndex)
        #expect(bins.index(ofNumber: -.infinity) == bins.unseenIndex)
    }

    @Test func `of a number that is mostly zero keeps zero by itself`() {
        let values = [Double](repeating: 0, count: 700) + (1...300).map { Double($0) }
        let reference = DriftReference(numbers: values)
        #expect(reference.counts[0] == 700)
        #expect(reference.counts.reduce(0, +) == 1_000)
    }

    @Test(arguments: [[], [5.0], [.nan, .nan], [7, 7, 7, 7]])
    func `of next to nothing still sorts`(values: [Double]) {
        let reference = DriftReference(numbers: values)
        #expect(reference.total == UInt64(values.count))
        for value in values where value.isFinite {
            #expect(reference.bins.index(ofNumber: value) == 0)
        }
        #expect(reference.bins.index(ofNumber: 6) == reference.bins.unseenIndex)
    }

    @Test func `of categories has the top twenty, other, unseen and missing`() {
        var values: [UInt64?] = [nil, nil]
        for category in 1...25 as ClosedRange<UInt64> {
            for _ in 0..<(100 - category) { values.append(category) }
        }
        let reference = DriftReference(categories: values)
        #expect(reference.bins.count == 23)
        #expect(reference.bins.index(ofCategory: 1) == 0)
        #expect(reference.bins.index(ofCategory: 20) == 19)
        #expect(reference.bins.index(ofCategory: 21) == 20)
        #expect(reference.bins.index(ofCategory: 26) == reference.bins.unseenIndex)
        #expect(reference.bins.index(ofCategory: nil) == reference.bins.missingIndex)
        #expect(reference.counts[20] == 79 + 78 + 77 + 76 + 75)
        #expect(reference.counts[22] == 2)
    }

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

    private func watched() -> FeatureDrift {
        FeatureDrift(
            reference: DriftReference(numbers: (0..<10_000).map { Double($0) }),
            budget: Self.budget)
    }

    @Test func `that shifts by half its spread is shifted after three windows, not before`() {
        var drift = watched()
        var generator = SeededGenerator(seed: 1)
        for window in 1...4 {
            for _ in 0..<1_000 {
                drift.observe(number: Double(generator.next() % 5_000 + 5_000))
            }
            let status = drift.closeWindow()
            #expect(status.isShifted == (window >= 3))
        }
        for _ in 0..<1_000 { drift.observe(number: Double(generator.next() % 10_000)) }
        let last = drift.closeWindow()
        #expect(!last.isShifted)
    }

    @Test func `keeps a window of 999 values open`() {
        var drift = watched()
        for index in 0..<999 { drift.observe(number: Double(index)) }
        drift.closeWindow()
        #expect(drift.counts.reduce(0, +) == 999)
        #expect(drift.psi == 0)
        drift.observe(number: 5)
        drift.closeWindow()
        #expect(drift.counts.reduce(0, +) == 0)
        #expect(drift.psi > 1)
    }

    @Test func `that is suddenly null, unseen or stale says which`() {
        for rate in FeatureRate.allCases {
            var drift = watched()
            var generator = SeededGenerator(seed: 1)
            for _ in 0..<3 {
                for index in 0..<1_000 {
                    let isBad = index % 10 == 0
                    let value = Double(generator.next() % 10_000)
                    drift.observe(
                        number: isBad && rate == .null
                            ? .nan : isBad && rate == .unseen ? -1 : value,
                        isStale: isBad && rate == .stale)
                }
                drift.closeWindow()
            }
            #expect(drift.status.risenRates == [rate])
            #expect(drift.status.isAlarm)
        }
    }

    @Test func `counted on two loops is as if counted on one`() {
        var one = watched()
        var two = watched()
        var counts = [UInt64](repeating: 0, count: one.reference.bins.count)
        for index in 0..<2_000 {
            one.observe(number: Double(index), isStale: index % 50 == 0)
            counts[two.reference.bins.index(ofNumber: Double(index))] += 1
        }
        two.add(counts: counts, stale: 40)
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
