// SPDX-License-Identifier: Apache-2.0

import Base
@testable import Documents
import Testing

private func parse(_ bytes: [UInt8]) throws(DocumentError) -> [YAMLNode] {
    try YAMLParser.documents(in: bytes.span)
}

/// Lists inside each other.
private func nested(_ depth: Int) -> String {
    String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
}

struct `Limits of a file` {
    @Test func `admit a mebibyte and refuse a byte more`() {
        let head = Array("a: b\n# ".utf8)
        let most = head + [UInt8](repeating: 0x78, count: YAMLLimits.bytesMax - head.count)
        #expect(throws: Never.self) { try parse(most) }
        #expect(throws: DocumentError(.tooLarge(bytesMax: 1 << 20), at: .start)) {
            try parse(most + [0x78])
        }
    }

    @Test func `admit 32 levels and refuse one more`() {
        #expect(throws: Never.self) { try parse(Array(nested(YAMLLimits.depthMax).utf8)) }
        #expect(
            throws: DocumentError(
                .tooDeep(depthMax: 32), at: YAMLPosition(line: 1, column: 33))
        ) {
            try parse(Array(nested(YAMLLimits.depthMax + 1).utf8))
        }
    }

    @Test func `admit 100,000 values and refuse one more`() {
        // The list itself is a value.
        let list = "[" + String(repeating: "a,", count: YAMLLimits.nodesMax - 1)
        #expect(throws: Never.self) { try parse(Array((list + "]").utf8)) }
        do throws(DocumentError) {
            _ = try parse(Array((list + "b]").utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.reason == .tooManyNodes(nodesMax: 100_000))
            #expect(error.position == YAMLPosition(line: 1, column: list.count + 1))
        }
    }

    @Test func `hold for thousands of levels in little time`() {
        #expect(throws: DocumentError.self) { try parse(Array(nested(100_000).utf8)) }
        let blocks = (0..<1_000).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(throws: DocumentError.self) { try parse(Array(blocks.utf8)) }
    }
}

struct `What is not YAML` {
    @Test(
        arguments: [
            ("a: b\nc: [d\n", 3, 1), ("a: b\n\tc: d\n", 2, 1), ("a: 'b\n", 2, 1),
            ("a: b: c\n", 1, 5), ("a: b\n  c: d\n", 2, 4), ("}\n", 1, 1), ("a: \"\\q\"\n", 1, 5),
        ])
    func `is refused with its line and column`(text: String, line: Int, column: Int) {
        do throws(DocumentError) {
            _ = try parse(Array(text.utf8))
            Issue.record("accepted")
        } catch {
            guard case .syntax = error.reason else {
                Issue.record("\(error)")
                return
            }
            #expect(error.position == YAMLPosition(line: line, column: column), "\(error)")
        }
    }

    @Test(
        arguments: [
            ([0xFF], 1, 4), ([0xC3, 0x28], 1, 5), ([0x00], 1, 4), ([0x07], 1, 4),
            ([0xED, 0xA0, 0x80], 1, 4), ([0xC3, 0xA4, 0xFF], 1, 5), ([0x0A, 0x80], 2, 1),
        ] as [([UInt8], Int, Int)])
    func `is refused at the byte that is not UTF-8 text`(bytes: [UInt8], line: Int, column: Int) {
        do throws(DocumentError) {
            _ = try parse(Array("a: ".utf8) + bytes + Array("\n".utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.position == YAMLPosition(line: line, column: column), "\(error)")
        }
    }

    @Test func `never crashes the reader, however it is damaged`() {
        var generator = SeededGenerator(seed: 5)
        let alphabet = Array("{}[]:,-?#&*!|>'\"%@` \n\t\\ab0~<".utf8)
        for round in 0..<3_000 {
            var bytes = Array(round.isMultiple(of: 2) ? cart.utf8 : abandonment.utf8)
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = alphabet.randomElement(using: &generator)!
                case 1: bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
                case 2: bytes.remove(at: index)
                default: bytes.insert(alphabet.randomElement(using: &generator)!, at: index)
                }
            }
            let lines = bytes.count { $0 == 0x0A || $0 == 0x0D } + 1
            for error in [refusal(asModel: false, bytes), refusal(asModel: true, bytes)] {
                guard let position = error?.position else { continue }
                #expect(position.line >= 1 && position.column >= 1)
                #expect(position.line <= lines + 1)
            }
        }
    }

    private func refusal(asModel: Bool, _ bytes: [UInt8]) -> DocumentError? {
        do throws(DocumentError) {
            if asModel {
                _ = try DocumentFile.model(in: bytes.span)
            } else {
                _ = try DocumentFile.resources(in: bytes.span)
            }
            return nil
        } catch {
            return error
        }
    }

    @Test func `ends nowhere inside a document without an error or a result`() {
        let bytes = Array(cart.utf8)
        for count in 0..<bytes.count {
            // Every prefix is either refused or read; neither may trap.
            _ = try? DocumentFile.resources(in: bytes.span.extracting(first: count))
        }
    }
}

struct `Durations` {
    @Test(
        arguments: [
            ("1ms", 1), ("500ms", 500), ("10s", 10_000), ("15m", 900_000), ("24h", 86_400_000),
            ("30d", 2_592_000_000), ("36500d", 3_153_600_000_000), ("007s", 7_000),
        ] as [(String, UInt64)])
    func `are a whole number and a unit`(text: String, milliseconds: UInt64) {
        #expect(DurationText.milliseconds(text) == milliseconds)
    }

    @Test(
        arguments: [
            "", "1", "s", "0s", "0ms", "-1s", "+1s", "1.5h", "1 s", " 1s", "1s ", "1S", "1w",
            "1h30m", "36501d", "3153600000001ms", "18446744073709551615d", "18446744073709551616ms",
            "１s", "1ｓ",
        ])
    func `are refused in any other form`(text: String) {
        #expect(DurationText.milliseconds(text) == nil)
    }

    @Test func `are printed in the longest unit that fits, and read back`() {
        #expect(DurationText.text(milliseconds: 86_400_000) == "1d")
        #expect(DurationText.text(milliseconds: 90_000) == "90s")
        #expect(DurationText.text(milliseconds: 1_001) == "1001ms")
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<1_000 {
            let shift = UInt64.random(in: 0..<42, using: &generator)
            let milliseconds = UInt64.random(in: 1...(1 << shift), using: &generator)
            guard milliseconds <= DurationText.millisecondsMax else { continue }
            let text = DurationText.text(milliseconds: milliseconds)
            #expect(DurationText.milliseconds(text) == milliseconds)
        }
    }
}
