// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Glibc
import Loading
import Testing

/// A set of one float32, one float64 and one key.
private let numbers = KassaV1.FeatureSetSpec(
    name: "n", version: 1, entity: ["k"],
    features: [
        KassaV1.FeatureSpec(name: "f", type: .float32),
        KassaV1.FeatureSpec(name: "d", type: .float64),
    ])

struct `Numbers as text` {
    /// Compares with the C library, which rounds correctly.
    @Test func `are read to the nearest value`() throws {
        var generator = SeededGenerator(seed: 11)
        var texts = [
            "0", "-0", "1", "16777217", "16777216.0000000000000001", "9007199254740993",
            "1.00000005960464477539", "3.4028234e38", "1e-45", "1.4e-45", "1e22", "1e23", "5e-324",
            "0.1", "123456789012345678901234567890", "1.1754943e-38", ".5", "5.",
        ]
        for _ in 0..<9_000 {
            let digits = Int.random(in: 1...20, using: &generator)
            var text = Bool.random(using: &generator) ? "-" : ""
            for index in 0..<digits {
                text += String(Int.random(in: 0...9, using: &generator))
                if index == digits / 2, Bool.random(using: &generator) { text += "." }
            }
            text = text.split(separator: ".", maxSplits: 1).joined(separator: ".")
            if Int.random(in: 0..<3, using: &generator) == 0 {
                text += "e\(Int.random(in: -25...15, using: &generator))"
            }
            texts.append(text)
        }
        let file = "k,f,d\n" + texts.map { "x,\($0),\($0)\n" }.joined()
        let batch = try #require(try batches(file, .csv, LoadOptions(), numbers).first)
        #expect(batch.rejects.isEmpty)
        guard case .floats(let floats) = batch.request.columns[0].values,
            case .doubles(let doubles) = batch.request.columns[1].values
        else { return #expect(Bool(false)) }
        for (index, text) in texts.enumerated() {
            let float = unsafe strtof(text, nil)
            let double = unsafe strtod(text, nil)
            #expect(floats.values[index].bitPattern == float.bitPattern, "\(text)")
            #expect(doubles.values[index].bitPattern == double.bitPattern, "\(text)")
        }
    }

    @Test func `that are none are rejected`() throws {
        for text in ["", "-", ".", "1e", "1e+", "1.2.3", "1 ", " 1", "inf", "0x1p3", "1_000", "e5"]
        {
            let batch = try #require(
                try batches("k,d\nx,\"\(text)x\"\n", .csv, LoadOptions(), numbers).first)
            #expect(batch.rejects.count == 1)
        }
    }
}

struct `Times as text` {
    private func time(_ format: TimeFormat, _ text: String) -> Int64? {
        format.microseconds(text.utf8Span.span)
    }

    @Test func `dates are read with their distance from UTC`() {
        #expect(time(.date, "1970-01-01T00:00:00Z") == 0)
        #expect(time(.date, "2000-02-29 23:59:59.123456789z") == 951_868_799_123_456)
        #expect(time(.date, "2020-04-01 00:00:00 UTC") == 1_585_699_200_000_000)
        #expect(time(.date, "2020-04-01T00:00:00-00:30") == 1_585_701_000_000_000)
        #expect(time(.date, "1969-12-31t23:59:59Z") == -1_000_000)
        #expect(time(.date, "9999-12-31T23:59:59Z") == 253_402_300_799_000_000)
        #expect(time(.date, "0000-03-01T00:00:00Z") == -62_162_035_200_000_000)
    }

    @Test func `every day of four centuries follows the one before`() {
        var days: Int64 = 0
        for year in 1970..<2370 {
            for month in 1...12 {
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
                let count = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
                for day in 1...count + 1 {
                    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
                    let text = "\(year)-\(two(month))-\(two(day))T00:00:00Z"
                    let expected = day > count ? nil : days * 86_400_000_000
                    #expect(time(.date, text) == expected)
                    if day <= count { days += 1 }
                }
            }
        }
    }

    @Test func `what is no date is none`() {
        for text in [
            "", "2020-04-01", "2020-04-01T00:00:00", "2020-13-01T00:00:00Z", "2020-04-31T00:00:00Z",
            "2020-04-01T24:00:00Z", "2020-04-01T00:60:00Z", "2020-04-01T00:00:00.Z",
            "2020-04-01T00:00:00+2", "2020-04-01T00:00:00 CET", "1585699200",
            "2020-04-01T00:00:00Zx", "2020/04/01T00:00:00Z", "2020-04-01_00:00:00Z",
        ] {
            #expect(time(.date, text) == nil, "\(text)")
        }
    }

    @Test func `numbers are scaled, and those out of range refused`() {
        #expect(time(.seconds, "12") == 12_000_000)
        #expect(time(.milliseconds, "12") == 12_000)
        #expect(time(.microseconds, "-12") == -12)
        #expect(time(.microseconds, "9223372036854775807") == .max)
        #expect(time(.seconds, "9223372036854775807") == nil)
        #expect(time(.seconds, "1.5") == nil)
    }
}
