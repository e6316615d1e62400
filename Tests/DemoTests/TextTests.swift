// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Demo

@Test func `numbers are written with the digits asked for`() {
    #expect(Text.fixed(0.8239, digits: 3) == "0.824")
    #expect(Text.fixed(-0.0004, digits: 3) == "0.000")
    #expect(Text.fixed(-1.05, digits: 1) == "-1.1")
    #expect(Text.fixed(7.005, digits: 0) == "7")
    #expect(Text.fixed(12.04, digits: 2) == "12.04")
    #expect(Text.fixed(.nan, digits: 2) == "–")
    #expect(Text.fixed(.infinity, digits: 0) == "–")
    #expect(Text.fixed(1e300, digits: 2) == "–")
    #expect(Text.count(1_234_567) == "1 234 567")
    #expect(Text.count(999) == "999")
    #expect(Text.count(-1_000) == "-1 000")
    #expect(Text.euros(cents: 84_90) == "€84.90")
    #expect(Text.euros(cents: 5) == "€0.05")
    #expect(Text.euros(cents: -12_00) == "−€12.00")
    #expect(Text.percent(0.714) == "71")
    #expect(Text.percent(3) == "100")
    #expect(Text.percent(-1) == "0")
}

@Test func `a text is padded or cut to its column`() {
    #expect(Text.left("abc", 5) == "abc  ")
    #expect(Text.left("abcdef", 5) == "abcd…")
    #expect(Text.left("a", 0) == "")
    #expect(Text.right("abc", 5) == "  abc")
    #expect(Text.right("abcdef", 5) == "abcdef")
}

@Test func `a meter fills with the share and survives what is no share`() {
    #expect(Text.meter(0, width: 8) == "▯▯▯▯▯▯▯▯")
    #expect(Text.meter(0.71, width: 8) == "▮▮▮▮▮▮▯▯")
    #expect(Text.meter(1, width: 8) == "▮▮▮▮▮▮▮▮")
    #expect(Text.meter(7, width: 2) == "▮▮")
    #expect(Text.meter(-7, width: 2) == "▯▯")
    #expect(Text.meter(.nan, width: 2) == "▯▯")
}

@Test func `a clock shows the time of day, before the epoch too`() {
    #expect(Text.clock(microseconds: 0) == "00:00:00")
    #expect(Text.clock(microseconds: (86_400 * 3 + 43_471) * 1_000_000) == "12:04:31")
    #expect(Text.clock(microseconds: -1) == "23:59:59")
}
