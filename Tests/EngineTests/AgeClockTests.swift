// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Engine

struct `The clock that scores age by` {
    private static let second: Int64 = 1_000_000
    private static let hour = 3_600 * second
    private static let maturity = 60 * second

    private static func time(_ microseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: UInt64(1_000_000_000 + microseconds * 1_000))
    }

    /// Looks every 20 ms; the wall clock shows the true time and `steps` (when, by how much).
    private static func ages(
        until end: Int64, _ steps: [(at: Int64, by: Int64)]
    ) -> (clock: AgeClock, wall: Int64) {
        var clock = AgeClock()
        var wall: Int64 = 0
        for now in stride(from: Int64(0), through: end, by: 20_000) {
            wall = now + steps.reduce(0) { $0 + ($1.at <= now ? $1.by : 0) }
            clock.look(wall: wall, at: time(now))
        }
        return (clock, wall)
    }

    private static func shown(_ end: Int64, _ steps: (at: Int64, by: Int64)...) -> Int64 {
        let (clock, wall) = ages(until: end, steps)
        return clock.time(wall, forAge: maturity, at: time(end))
    }

    @Test func `is the wall clock while that does not step`() {
        #expect(Self.shown(10 * Self.second) == 10 * Self.second)
    }

    @Test func `takes a step ahead back until nothing young is left from before it`() {
        let step = (at: 10 * Self.second, by: Self.hour)
        #expect(Self.shown(10 * Self.second, step) == 10 * Self.second)
        #expect(Self.shown(69 * Self.second, step) == 69 * Self.second)
        // What came just before the step has matured by the true time; what came after it by the new.
        #expect(Self.shown(70 * Self.second, step) == 70 * Self.second + Self.hour)
    }

    @Test func `makes nothing older while steps go on`() {
        for end in stride(from: 10 * Self.second, through: 300 * Self.second, by: 7_000_000) {
            let steps = (0..<300).map { (turn: Int) -> (at: Int64, by: Int64) in
                (Int64(turn) * Self.second, turn % 2 == 0 ? Self.hour : -Self.hour)
            }
            let (clock, wall) = Self.ages(until: end, steps)
            #expect(clock.time(wall, forAge: Self.maturity, at: Self.time(end)) == end)
        }
    }

    @Test func `follows a step back, which makes nothing older`() {
        let back = (at: 10 * Self.second, by: -Self.hour)
        #expect(Self.shown(20 * Self.second, back) == 20 * Self.second - Self.hour)
        let corrected = (at: 30 * Self.second, by: -Self.hour)
        #expect(
            Self.shown(40 * Self.second, (at: 10 * Self.second, by: Self.hour), corrected)
                == 40 * Self.second)
    }

    @Test func `takes back no step that is over when the next one comes`() {
        let first = (at: 10 * Self.second, by: Self.hour)
        let second = (at: 200 * Self.second, by: Self.hour)
        #expect(Self.shown(210 * Self.second, first, second) == 210 * Self.second + Self.hour)
        // Two of which neither is over count both, and end one by one.
        let close = (at: 40 * Self.second, by: 2 * Self.hour)
        #expect(Self.shown(50 * Self.second, first, close) == 50 * Self.second)
        #expect(Self.shown(80 * Self.second, first, close) == 80 * Self.second + Self.hour)
        #expect(Self.shown(100 * Self.second, first, close) == 100 * Self.second + 3 * Self.hour)
    }

    @Test func `makes nothing older by more steps than it keeps apart`() {
        let steps = (1...(2 * AgeClock.leadsMax)).map { (turn: Int) -> (at: Int64, by: Int64) in
            (Int64(turn) * Self.second, Self.hour)
        }
        let end = Int64(steps.count) * Self.second
        let (clock, wall) = Self.ages(until: end, steps)
        // All of them are younger than a minute or as old: those that are over are taken for younger ones.
        #expect(clock.time(wall, forAge: Self.maturity, at: Self.time(end)) == end)
        let late = end + 2 * Self.maturity
        let (over, lateWall) = Self.ages(until: late, steps)
        #expect(over.time(lateWall, forAge: Self.maturity, at: Self.time(late)) == lateWall)
    }

    @Test(arguments: [(Int64(0), Int64(100_000)), (1, 0)])
    func `knows a step from an unsteady look`(
        _ more: Int64, _ shown: Int64
    ) {
        let step = (at: Self.second, by: AgeClock.toleranceMicroseconds + more)
        #expect(Self.shown(2 * Self.second, step) == 2 * Self.second + shown)
    }

    @Test func `overflows nowhere`() {
        var clock = AgeClock()
        let walls: [Int64] = [0, .max, .min, 0, .max / 2, .max, -1, .min]
        for (turn, wall) in walls.enumerated() {
            clock.look(wall: wall, at: Self.time(Int64(turn)))
            _ = clock.time(wall, forAge: .max, at: Self.time(Int64(turn) + 1))
        }
    }
}
