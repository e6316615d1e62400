// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import kassa

struct `Loading from the command line` {
    @Test func `progress tells share, rows, rate and what is left`() {
        let line = LoadProgress.line(
            rows: 1_234_000, loaded: 617_000, bytes: 25_000, offset: 50_000, of: 100_000,
            seconds: 2, hasBar: true)
        #expect(
            line == "[############------------]  50 %  1,234,000 rows  308,500 rows/s  4 s left")
        let plain = LoadProgress.line(
            rows: 0, loaded: 0, bytes: 0, offset: 0, of: 0, seconds: 0, hasBar: false)
        #expect(plain == "100 %  0 rows  0 rows/s")
        let long = LoadProgress.line(
            rows: 1, loaded: 1, bytes: 1, offset: 1, of: 10_000, seconds: 1, hasBar: false)
        #expect(long == "  0 %  1 rows  1 rows/s  2 h left")
    }

    @Test func `a state is read as it was written, and nonsense refused`() throws {
        let path = "/tmp/kassa-state-\(getpid())"
        defer { unsafe unlink(path) }
        var state = LoadState()
        state.identity = "1:2:3"
        state.plan = "cart@1; csv; null \"x\\\n"
        state.offset = 12
        state.line = 3
        state.read = 5
        state.applied = 3
        state.ignoredOlder = 1
        state.rejected = 1
        state.generation = 4
        state.defaultTimeMicroseconds = 1_585_742_400_000_000
        try state.write(to: path)
        #expect(try LoadState.read(path) == state)
        for text in ["", "{}", "[1]", "{\"file\":\"x\",\"plan\":\"y\",\"offset\":-1}"] {
            let file = unsafe fopen(path, "w")!
            unsafe fputs(text, file)
            unsafe fclose(file)
            #expect(throws: CommandError.self) { try LoadState.read(path) }
        }
        unsafe unlink(path)
        #expect(try LoadState.read(path) == nil)
    }

    @Test func `a load fails unless every row is accounted for`() throws {
        func reconcile(read: Int, applied: Int, _ contradictions: [String] = []) throws {
            var state = LoadState()
            state.read = read
            state.applied = applied
            state.ignoredOlder = 2
            state.rejected = 1
            try LoadReport(
                file: "f", featureSet: "cart@1", state: state, reasons: [:], seconds: 1,
                rowsBefore: 0
            ).reconcile(contradictions: contradictions)
        }
        #expect(throws: Never.self) { try reconcile(read: 10, applied: 7) }
        #expect(throws: CommandError.self) { try reconcile(read: 10, applied: 6) }
        #expect(throws: CommandError.self) { try reconcile(read: 10, applied: 8) }
        #expect(throws: CommandError.self) { try reconcile(read: 0, applied: -3) }
        // One batch too few and another too many do not make up for each other.
        #expect(throws: CommandError.self) { try reconcile(read: 10, applied: 7, ["line 1"]) }
    }

    @Test func `thousands are set apart`() {
        #expect([0, 999, 1_000, -1_234_567].map(grouped) == ["0", "999", "1,000", "-1,234,567"])
    }
}
