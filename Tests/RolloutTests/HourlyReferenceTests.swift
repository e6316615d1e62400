// SPDX-License-Identifier: Apache-2.0

import Base
import Rollout
import RolloutSimulations
import Testing

/// A feature over simulated weeks, four windows an hour of a thousand values each.
private struct Weeks {
    static let windowsPerDay = 96
    var drift: FeatureDrift
    var generator: SeededGenerator
    /// Windows that have passed.
    var window = 0
    /// Alarms that began.
    var pages = 0
    let keepsHours: Bool

    init(keepingHours: Bool = true, heirTo other: Weeks? = nil, seed: UInt64 = 1) throws {
        var generator = SeededGenerator(seed: seed)
        let reference = try DriftReference(
            numbers: (0..<20_000).map { _ in Self.draw(&generator) })
        drift = FeatureDrift(
            reference: reference, budget: DriftBudget(featureCount: 40),
            hourly: keepingHours
                ? other?.drift.hourly?.rebinned(into: reference.bins)
                    ?? HourlyReference(bins: reference.bins) : nil)
        self.generator = generator
        keepsHours = keepingHours
    }

    /// About normal, with variance 1.
    static func draw(_ generator: inout SeededGenerator) -> Double {
        var bits = generator.next()
        var sum = 0.0
        for _ in 0..<4 {
            sum += Double(bits & 0xFFFF) / 65_536
            bits >>= 16
        }
        return (sum - 2) * 3.0.squareRoot()
    }

    var place: DayHour { DayHour(microseconds: Int64(window) * 900_000_000) }
    var hour: Int { place.hour }

    /// So many hours later.
    func place(after hours: Int64) -> DayHour {
        DayHour(microseconds: (place.number + hours) * 3_600_000_000)
    }
    var isAlarm: Bool { drift.status.isAlarm }

    /// Values that an hour has learnt.
    func values(at hour: Int) -> UInt64 {
        let bins = drift.reference.bins.count
        let counts = drift.hourly?.stored?.counts[hour * bins..<(hour + 1) * bins]
        return counts?.reduce(0, +) ?? 0
    }

    /// One window of values that `edit` makes of drawn ones.
    mutating func pass(_ edit: (Double) -> Double) {
        let wasAlarm = isAlarm
        var counted = DriftWindow(drift.reference.bins)
        for _ in 0..<1_000 { counted.count(edit(Self.draw(&generator))) }
        counted.add(to: &drift)
        drift.closeWindow(at: keepsHours ? place : nil)
        window += 1
        if isAlarm && !wasAlarm { pages += 1 }
    }

    /// Windows as in training, to an hour of a day.
    mutating func pass(to day: Int64, _ hour: Int64) {
        while place.number < day * 24 + hour { pass { $0 } }
    }

    /// Days of which `edit` makes what each hour brings.
    mutating func pass(days: Int, _ edit: (_ hour: Int, Double) -> Double) {
        for _ in 0..<days * Self.windowsPerDay {
            let hour = hour
            pass { edit(hour, $0) }
        }
    }
}

/// From 22 to 6 o'clock customers are others.
private func night(_ hour: Int, _ value: Double) -> Double {
    hour >= 22 || hour < 6 ? value + 0.8 : value
}

struct `The reference of an hour` {
    @Test func `training alone is exceeded every night`() throws {
        var weeks = try Weeks(keepingHours: false)
        weeks.pass(days: 7, night)
        // The night that the weeks begin in is one more.
        #expect(weeks.pages == 8)
    }

    @Test func `a night that was accepted is none any more, in two more weeks`() throws {
        var weeks = try Weeks()
        weeks.pass(days: 3, night)
        #expect(weeks.pages == 4, "nothing becomes usual by itself")
        while weeks.hour != 23 { weeks.pass { night(0, $0) } }
        #expect(weeks.isAlarm)
        let isAccepted1 = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted1)
        #expect(!weeks.isAlarm)
        let before = weeks.pages
        weeks.pass(days: 14, night)
        #expect(weeks.pages == before)
        // It is shown all the same.
        while weeks.hour != 2 { weeks.pass { [hour = weeks.hour] in night(hour, $0) } }
        weeks.pass { night(2, $0) }
        #expect(weeks.drift.status.isShifted && !weeks.isAlarm)
        #expect(weeks.drift.hourShift.map { $0.psi < 0.1 && $0.threshold == 0.25 } == true)
        #expect(weeks.drift.psi > 0.25)
    }

    @Test func `a night can be accepted in the morning after it, and not in the next week`() throws
    {
        var weeks = try Weeks()
        weeks.pass(days: 1, night)
        while weeks.hour != 9 { weeks.pass { [hour = weeks.hour] in night(hour, $0) } }
        #expect(!weeks.isAlarm)
        var late = weeks
        let isAccepted2 = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted2)
        let isAccepted3 = weeks.drift.accept(at: weeks.place)
        #expect(!isAccepted3, "there is nothing left")
        let before = weeks.pages
        weeks.pass(days: 7, night)
        #expect(weeks.pages == before)
        late.pass(days: 2) { _, value in value }
        let isAccepted4 = late.drift.accept(at: late.place)
        #expect(!isAccepted4)
    }

    @Test func `an hour at the threshold is learnt by itself`() throws {
        func edge(_ hour: Int, _ value: Double) -> Double {
            hour < 6 ? value + 0.5 : value
        }
        var without = try Weeks(keepingHours: false, seed: 5)
        without.pass(days: 9, edge)
        var weeks = try Weeks(seed: 5)
        weeks.pass(days: 2, edge)
        let first = weeks.pages
        weeks.pass(days: 7, edge)
        #expect(weeks.pages == first)
        #expect(without.pages > weeks.pages + 4)
    }

    @Test func `a broken feature is a page within three windows at any hour`() throws {
        var weeks = try Weeks()
        weeks.pass(days: 1, night)
        weeks.pass(days: 1, night)
        let isAccepted5 = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted5)
        weeks.pass(days: 7, night)
        #expect(!weeks.isAlarm)
        for _ in 0..<24 {
            // The middle of an hour.
            weeks.pass { [hour = weeks.hour] in night(hour, $0) }
            weeks.pass { [hour = weeks.hour] in night(hour, $0) }
            let learnt = weeks.values(at: weeks.hour)
            for broken in [{ _ in 0.0 }, { $0 * 3 }, { $0 - 1.5 }] as [(Double) -> Double] {
                var copy = weeks
                for _ in 0..<2 { copy.pass(broken) }
                #expect(copy.values(at: weeks.hour) == learnt)
                #expect(!copy.isAlarm || copy.drift.status.alarmRates == [.unseen])
                copy.pass(broken)
                #expect(copy.isAlarm, "at \(weeks.hour)")
            }
            var copy = weeks
            copy.pass { _ in .nan }
            #expect(copy.drift.status.alarmRates.contains(.null), "at \(weeks.hour)")
            weeks.pass { [hour = weeks.hour] in night(hour, $0) }
            weeks.pass { [hour = weeks.hour] in night(hour, $0) }
        }
    }

    @Test func `what is broken does not become usual, and is one page`() throws {
        var weeks = try Weeks()
        weeks.pass(days: 3) { _, value in value }
        let learnt = weeks.values(at: 0)
        for _ in 0..<3 { weeks.pass { _ in 0 } }
        #expect(weeks.isAlarm && weeks.pages == 1)
        #expect(weeks.values(at: 0) == learnt)
        for _ in 0..<10 * Weeks.windowsPerDay {
            weeks.pass { _ in 0 }
            #expect(weeks.isAlarm)
        }
        #expect(weeks.pages == 1)
        weeks.pass { $0 }
        #expect(!weeks.isAlarm)
    }

    @Test func `a rate that rises a little at a time is not learnt`() throws {
        var weeks = try Weeks()
        // One in 70 is more than the hundredth that training tolerates, and a day's windows are needed to be sure.
        for _ in 0..<2 * Weeks.windowsPerDay {
            var count = 0
            weeks.pass { value in
                count += 1
                return count % 70 == 0 ? .nan : value
            }
        }
        #expect(weeks.drift.status.alarmRates == [.null])
    }

    @Test func `a shift that grows day by day is noticed`() throws {
        func noticed(keepingHours: Bool) throws -> Int {
            var weeks = try Weeks(keepingHours: keepingHours)
            var day = 0
            while weeks.pages == 0 && day < 60 {
                weeks.pass(days: 1) { [day] _, value in value + Double(day) * 0.05 }
                day += 1
            }
            return day
        }
        // Later than by training alone, because hours have learnt what was still tolerated; but not never.
        #expect((9...12).contains(try noticed(keepingHours: false)))
        #expect((13...19).contains(try noticed(keepingHours: true)))
    }

    @Test func `a changed world that was accepted is quiet, and watched again after a day`() throws
    {
        var weeks = try Weeks()
        weeks.pass(days: 1) { _, value in value + 1 }
        #expect(weeks.isAlarm && weeks.pages == 1)
        let isAccepted6 = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted6)
        weeks.pass(days: 5) { _, value in value + 1 }
        #expect(!weeks.isAlarm && weeks.pages == 1)
        var copy = weeks
        for _ in 0..<3 { copy.pass { _ in 0 } }
        #expect(copy.isAlarm)
        for _ in 0..<3 { weeks.pass { $0 } }
        #expect(!weeks.isAlarm, "training tolerates it")
        for _ in 0..<3 { weeks.pass { _ in 0 } }
        #expect(weeks.isAlarm)
    }

    @Test func `what comes while an alarm is accepted is not learnt once it is over`() throws {
        var weeks = try Weeks()
        weeks.pass(days: 1) { _, value in value }
        for _ in 0..<4 { weeks.pass { $0 + 1 } }
        let isAccepted7 = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted7)
        for _ in 0..<HourlyReference.windowsWithinMax { weeks.pass { $0 } }
        for _ in 0..<3 { weeks.pass { $0 + 1.5 } }
        #expect(weeks.isAlarm)
    }

    @Test func `an accept is about what came since yesterday, not about what came before`() throws {
        var weeks = try Weeks()
        // Two windows are no alarm, and nothing that is learnt.
        weeks.pass(to: 1, 5)
        for _ in 0..<2 { weeks.pass { _ in 0 } }
        weeks.pass(to: 4, 20)
        for _ in 0..<2 { weeks.pass { _ in 0 } }
        weeks.pass(to: 5, 3)
        #expect(weeks.pages == 0)
        for _ in 0..<3 { weeks.pass { _ in 0 } }
        #expect(weeks.isAlarm)
        let before = (old: weeks.values(at: 5), yesterday: weeks.values(at: 20))
        let isAccepted = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted)
        #expect(weeks.values(at: 5) == before.old)
        #expect(weeks.values(at: 20) == before.yesterday + 2_000)
    }

    @Test(arguments: [23, 24, 72])
    func `hours learn what comes for 24 hours after an accept, whichever had traffic`(
        later: Int
    ) throws {
        var weeks = try Weeks()
        weeks.pass(days: 1) { _, value in value }
        for _ in 0..<4 { weeks.pass { $0 + 1 } }
        let isAccepted = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted)
        // As after a restart, too.
        let stored = try #require(weeks.drift.hourly?.stored)
        let again = try #require(HourlyReference(bins: weeks.drift.reference.bins, stored))
        let isOpen = later < 24
        #expect(again.isOpen(at: weeks.place(after: Int64(later))) == isOpen)
        weeks.window += later * 4
        for _ in 0..<3 { weeks.pass { $0 + 1.5 } }
        #expect(weeks.isAlarm != isOpen)
        #expect(weeks.drift.hourly?.isOpen == isOpen)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `hours only ever take pages away`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let shifts = (0..<24).map { _ in Double.random(in: -0.9...0.9, using: &generator) }
        func world(_ hour: Int, _ value: Double) -> Double { value + shifts[hour] }
        var without = try Weeks(keepingHours: false, seed: seed)
        var with = try Weeks(seed: seed)
        without.pass(days: 6, world)
        with.pass(days: 6, world)
        #expect(with.pages <= without.pages)
        #expect(without.pages > 0)
    }

    @Test func `go over to the model that was trained anew`() throws {
        var weeks = try Weeks()
        weeks.pass(days: 2, night)
        let isAccepted = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted)
        weeks.pass(days: 2, night)
        var heir = try Weeks(heirTo: weeks, seed: 77)
        var stranger = try Weeks(seed: 77)
        #expect(heir.drift.reference.bins != weeks.drift.reference.bins)
        heir.pass(days: 3, night)
        stranger.pass(days: 3, night)
        #expect(heir.pages == 0 && stranger.pages > 2)
        for _ in 0..<3 { heir.pass { _ in 0 } }
        #expect(heir.isAlarm)
    }

    @Test func `keep their counts in other bins`() throws {
        func hours(_ bins: FrozenBins, _ counts: [UInt64]) throws -> HourlyReference {
            let none = [UInt64](repeating: 0, count: 23 * bins.count)
            return try #require(
                HourlyReference(
                    bins: bins,
                    .init(
                        counts: counts + none, stale: [7] + .init(repeating: 0, count: 23),
                        days: .init(repeating: 3, count: 24), acceptedHours: 1, openHours: 6,
                        openedAtHour: 9)))
        }
        func first(_ hours: HourlyReference?, _ count: Int) throws -> [UInt64] {
            let stored = try #require(hours?.stored)
            #expect(stored.stale[0] == 7 && stored.acceptedHours == 1 && stored.openHours == 6)
            #expect(stored.openedAtHour == 9)
            return Array(stored.counts.prefix(count))
        }
        // Two bins, then missing and outside.
        let numbers = try hours(.numbers(edges: [0, 2, 6]), [100, 400, 5, 6])
        #expect(try first(numbers.rebinned(into: numbers.bins), 4) == [100, 400, 5, 6])
        #expect(
            try first(numbers.rebinned(into: .numbers(edges: [-1, 1, 3, 5])), 5)
                == [50, 150, 200, 5, 106])
        #expect(
            try first(numbers.rebinned(into: .numbers(edges: [7, 8])), 3) == [0, 5, 506])
        #expect(try first(numbers.rebinned(into: .numbers(edges: [])), 2) == [5, 506])
        // Two categories, then others, unseen and missing ones.
        let categories = try hours(.categories(top: [0, 1], known: []), [10, 20, 3, 4, 5])
        let others = FrozenBins.categories(top: [0, 1, 2], known: [])
        #expect(
            try first(categories.rebinned(into: others, categories: [2, nil]), 6)
                == [0, 0, 10, 23, 4, 5])
        #expect(categories.rebinned(into: others, categories: [2]) == nil)
        #expect(categories.rebinned(into: numbers.bins) == nil)
        #expect(numbers.rebinned(into: others) == nil)
    }

    @Test func `forgets a seventh with each day`() throws {
        var weeks = try Weeks()
        weeks.pass(days: 1) { _, value in value }
        #expect(weeks.values(at: 5) == 4_000)
        weeks.pass(days: 60) { _, value in value }
        // The sum of 4,000 values a day, of which 6/7 stay, is 28,000 at most; whole bins round it down.
        let values = weeks.values(at: 5)
        #expect((27_500...28_000).contains(values))
    }

    @Test func `is kept over a restart, and refused where it does not fit`() throws {
        var weeks = try Weeks()
        weeks.pass(days: 2, night)
        let isAccepted8 = weeks.drift.accept(at: weeks.place)
        #expect(isAccepted8)
        weeks.pass { night(0, $0) }
        let hourly = try #require(weeks.drift.hourly)
        let stored = try #require(hourly.stored)
        let bins = weeks.drift.reference.bins
        let again = try #require(HourlyReference(bins: bins, stored))
        #expect(again.stored == stored)
        let places = (0..<24).map { weeks.place(after: $0) }
        #expect(places.allSatisfy { again.isOpen(at: $0) == hourly.isOpen(at: $0) })
        #expect(places.contains { again.isOpen(at: $0) })
        #expect(HourlyReference(bins: bins).stored == nil)
        func isRefused(_ change: (inout HourlyReference.Stored) -> Void) -> Bool {
            var stored = stored
            change(&stored)
            return HourlyReference(bins: bins, stored) == nil
        }
        #expect(isRefused { $0.counts.removeLast() })
        #expect(isRefused { $0.counts[3] = .max })
        #expect(isRefused { $0.stale[0] = 1 << 56 })
        #expect(isRefused { $0.days.append(0) })
        #expect(isRefused { $0.openHours = 1 << 24 })
        #expect(!isRefused { $0.acceptedHours = 1 << 23 })
        #expect(HourlyReference(bins: .numbers(edges: [0, 1]), stored) == nil)
    }
}

struct `The hour of a window` {
    private let second: Int64 = 1_000_000

    @Test func `is that of its middle, in UTC`() throws {
        let noon = 20_000 * 86_400 * second + 12 * 3_600 * second
        #expect(DayHour(microseconds: noon).day == 20_000)
        #expect(DayHour(microseconds: noon).hour == 12)
        #expect(DayHour(microseconds: noon - 1).hour == 11)
        let window = try #require(
            DayHour(from: noon - 200 * second, to: noon + 100 * second, lasting: 300_000_000_000))
        #expect(window.hour == 11)
        #expect(DayHour(microseconds: -1).day == -1 && DayHour(microseconds: -1).hour == 23)
        #expect(DayHour(microseconds: .min).hour >= 0 && DayHour(microseconds: .max).hour < 24)
    }

    @Test func `is none of a window beyond an hour, or in which the clock was set`() throws {
        let from = 1_000_000 * second
        func hour(lasting: UInt64, byTheClock: Int64) -> Bool {
            DayHour(from: from, to: from + byTheClock * second, lasting: lasting * 1_000_000_000)
                != nil
        }
        #expect(hour(lasting: 3_600, byTheClock: 3_600))
        #expect(!hour(lasting: 3_601, byTheClock: 3_601))
        #expect(hour(lasting: 300, byTheClock: 360) && !hour(lasting: 300, byTheClock: 361))
        #expect(hour(lasting: 300, byTheClock: 240) && !hour(lasting: 300, byTheClock: 239))
        #expect(DayHour(from: .min, to: .max, lasting: 1_000) == nil)
        #expect(DayHour(from: .max, to: .min, lasting: 1_000) == nil)
    }
}
