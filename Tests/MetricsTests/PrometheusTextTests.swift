// SPDX-License-Identifier: Apache-2.0

import Base
@testable import Metrics
import Testing

struct `The text format` {
    @Test func `escapes backslash, quote and line feed in a label's value`() {
        let family = MetricFamily(.gauge, "kassa_x", help: "X.", labels: ["a"])
        var snapshot = MetricSnapshot()
        snapshot.add(family, ["back\\slash \"quoted\"\nnext\r\nlast é"], count: 1)
        #expect(
            text(snapshot).hasSuffix(
                "\nkassa_x{a=\"back\\\\slash \\\"quoted\\\"\\nnext\r\\nlast é\"} 1\n"))
    }

    @Test func `escapes backslash and line feed in a help text and leaves its quotes`() {
        let family = MetricFamily(.gauge, "kassa_x", help: "A \"b\"\\\nc")
        var snapshot = MetricSnapshot()
        snapshot.add(family, count: 1)
        #expect(
            text(snapshot)
                == "# HELP kassa_x A \"b\"\\\\\\nc\n# TYPE kassa_x gauge\nkassa_x 1\n")
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1"), (10, "10"), (0.1, "0.1"), (2.5e-05, "2.5e-05"), (1e300, "1e+300"),
            (-3.5, "-3.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)])
    func `writes numbers as Go reads them`(number: Double, expected: String) {
        #expect(PrometheusText.text(number) == expected)
    }

    @Test func `counts stay exact where a double could not hold them`() {
        let family = MetricFamily(.counter, "kassa_x_total", help: "X.")
        var snapshot = MetricSnapshot()
        snapshot.add(family, count: .max - 1)
        #expect(text(snapshot).hasSuffix("kassa_x_total 18446744073709551614\n"))
    }

    @Test func `orders families by name and series by labels, whatever the order they came in`() {
        let first = MetricFamily(.gauge, "kassa_a", help: "A.", labels: ["l", "m"])
        let second = MetricFamily(.gauge, "kassa_b", help: "B.")
        var samples: [(inout MetricSnapshot) -> Void] = [
            { $0.add(second, count: 1) },
            { $0.add(first, ["x", "2"], count: 2) },
            { $0.add(first, ["x", "1"], count: 3) },
            { $0.add(first, ["a", "9"], number: 0.5) },
        ]
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<10 {
            samples.shuffle(using: &generator)
            var snapshot = MetricSnapshot()
            for sample in samples { sample(&snapshot) }
            #expect(
                text(snapshot) == """
                    # HELP kassa_a A.
                    # TYPE kassa_a gauge
                    kassa_a{l="a",m="9"} 0.5
                    kassa_a{l="x",m="1"} 3
                    kassa_a{l="x",m="2"} 2
                    # HELP kassa_b B.
                    # TYPE kassa_b gauge
                    kassa_b 1

                    """)
        }
    }

    @Test func `leaves out a family without a series`() {
        var snapshot = MetricSnapshot()
        snapshot.declare(MetricFamily(.gauge, "kassa_a", help: "A."))
        #expect(text(snapshot) == "")
    }

    @Test func `adds whole and fractional samples of one series`() {
        let family = MetricFamily(.gauge, "kassa_a", help: "A.")
        var snapshot = MetricSnapshot()
        snapshot.add(family, count: 2)
        snapshot.add(family, number: 0.25)
        snapshot.add(family, count: 1)
        #expect(text(snapshot).hasSuffix("kassa_a 3.25\n"))
    }
}

struct `A family's declaration` {
    @Test func `traps on a counter without _total`() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily(.counter, "kassa_x", help: "X.")
        }
    }

    @Test func `traps on a name that Prometheus refuses`() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily(.gauge, "kassa-x", help: "X.")
        }
    }

    @Test func `traps on a label that belongs to histograms`() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricFamily(.gauge, "kassa_x", help: "X.", labels: ["le"])
        }
    }
}

struct `Process metrics` {
    @Test func `read a stat line whose command holds spaces and parentheses`() throws {
        let line =
            "42 (a) b (c d)) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 7 0 9000 4096000 250 "
            + "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
        let stat = try #require(ProcessStat(text: line))
        #expect(stat.cpuTicks == 200)
        #expect(stat.threads == 7)
        #expect(stat.startTicks == 9_000)
        #expect(stat.virtualBytes == 4_096_000)
        #expect(stat.residentPages == 250)
    }

    @Test(arguments: ["", "42 (a", "42 (a) S 1 2 3", ") x", "1 (a) S a b c d e f g h i j k l m n"])
    func `refuse what is not a stat line`(line: String) {
        #expect(ProcessStat(text: line) == nil)
    }

    @Test func `find the boot time`() {
        #expect(
            ProcessStat.bootTime(text: "cpu 1 2\nbtime 1700000000\nprocesses 9\n") == 1_700_000_000)
        #expect(ProcessStat.bootTime(text: "cpu 1 2\n") == nil)
    }

    @Test func `tell plausible numbers about this process`() throws {
        let registry = Registry()
        try registry.register(ProcessMetrics())
        let snapshot = registry.snapshot()
        var values: [String: Double] = [:]
        for family in snapshot.families {
            for sample in snapshot.samples(of: family) {
                switch sample.value {
                case .count(let count): values[family.name] = Double(count)
                case .number(let number): values[family.name] = number
                case .histogram: Issue.record("not a histogram")
                }
            }
        }
        let now = Double(Timestamp.now().microseconds) / 1e6
        #expect(try #require(values["process_resident_memory_bytes"]) > 1_000_000)
        #expect(try #require(values["process_cpu_seconds_total"]) >= 0)
        #expect(try #require(values["process_open_fds"]) >= 3)
        #expect(try #require(values["process_max_fds"]) >= 3)
        #expect(try #require(values["process_threads"]) >= 1)
        let start = try #require(values["process_start_time_seconds"])
        // The clock's tick and the boot time's rounding make it uncertain by a second or two.
        #expect(start < now + 2)
        #expect(start > now - 3_600)
    }
}
