// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import kassa

/// Moments as they are typed and printed.
struct TimeTextTests {
    @Test(arguments: [
        ("0", 0), ("1790164800000000", 1_790_164_800_000_000), ("-5", -5),
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:01.5Z", 1_500_000),
        ("2000-02-29t23:59:59.000001z", 951_868_799_000_001),
        ("2026-11-20 12:00:00+02:00", 1_795_168_800_000_000),
        ("2019-10-01 00:00:00 UTC", 1_569_888_000_000_000),
        ("1969-12-31T23:59:59Z", -1_000_000), ("2100-03-01T00:00:00Z", 4_107_542_400_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("1970-01-01T00:00:60Z", 60_000_000), ("1970-01-01T00:00:00.1234567Z", 123_456),
    ])
    func `a time is read`(_ text: String, _ microseconds: Int64) {
        #expect(TimeText.microseconds(text) == microseconds)
    }

    @Test(arguments: [
        "", "now", "+5", "1.5", "2026-11-20", "2026-11-20T12:00:00", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-11-20T24:00:00Z",
        "2026-11-20T12:60:00Z", "2026-11-20T12:00:61Z", "2026-11-20T12:00:00.Z",
        "2026-11-20T12:00:00+2:00", "2026-11-20T12:00:00+0200", "2026-11-20T12:00:00Zulu",
        "99999999999999999999",
    ])
    func `what is no time is refused`(_ text: String) {
        #expect(TimeText.microseconds(text) == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (1_500_000, "1970-01-01T00:00:01.5Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (951_868_799_000_001, "2000-02-29T23:59:59.000001Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ])
    func `a time is printed as it is read`(_ microseconds: Int64, _ text: String) {
        #expect(TimeText.text(microseconds: microseconds) == text)
    }

    @Test func `every day of four centuries is printed as it is read`() {
        for day in stride(from: Int64(-150_000), through: 150_000, by: 1) {
            let time = day * 86_400_000_000
            #expect(TimeText.microseconds(TimeText.text(microseconds: time)) == time)
        }
    }
}
