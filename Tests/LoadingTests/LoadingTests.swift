// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Loading
import Testing

/// A record as text: its cells, or why it is malformed.
enum Record: Equatable {
    case cells([String?])
    case malformed(Int, String)
}

/// Everything that a reader makes of `text`, fed in pieces that end at `cuts`.
func records(
    _ format: LoadFormat, _ bytes: [UInt8], names: [String], cuts: [Int] = []
) throws -> [Record] {
    var reader = RowReader(format, names: names)
    var pieces = (cuts + [bytes.count])[...]
    var start = 0
    var found: [Record] = []
    while true {
        switch try reader.next() {
        case .row:
            found.append(
                .cells(
                    reader.cells.map { cell in
                        guard cell.kind != .absent else { return nil }
                        guard cell.kind == .text || cell.kind == .number else {
                            return "<\(cell.kind)>"
                        }
                        let bytes = reader.bytes(of: cell)
                        return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
                    }))
        case .malformed(let reason): found.append(.malformed(reader.recordLine, reason))
        case .needsMore:
            if let end = pieces.popFirst() {
                reader.feed(Array(bytes[start..<end]).span)
                start = end
            } else {
                reader.feedEnd()
            }
        case .end: return found
        }
    }
}

func csv(_ text: String, _ names: [String], cuts: [Int] = []) throws -> [Record] {
    try records(.csv, Array(text.utf8), names: names, cuts: cuts)
}

func json(_ text: String, _ names: [String]) throws -> [Record] {
    try records(.jsonLines, Array(text.utf8), names: names)
}

struct `Reading CSV` {
    @Test func `fields go to the columns that are wanted`() throws {
        let text = "a,b,c\n1,2,3\r\n\r\n4,,6"
        #expect(
            try csv(text, ["c", "a", "x"])
                == [.cells(["3", "1", nil]), .cells(["6", "4", nil])])
        #expect(try csv(text, ["b"]) == [.cells(["2"]), .cells(["<empty>"])])
    }

    @Test func `quoted fields hold delimiters, line ends and doubled quotes`() throws {
        let text = "\"a\",b\n\"x,\ny\",\"he said \"\"no\"\"\"\n\"\",\"\"\"\"\r\n"
        #expect(
            try csv(text, ["a", "b"])
                == [.cells(["x,\ny", "he said \"no\""]), .cells(["", "\""])])
    }

    @Test func `wherever the bytes are split the records are the same`() throws {
        let text =
            "\u{FEFF}a,\"b\"\"c\",d\r\n1,\"x\r\n\"\"y\"\"\",3\n\n,\"\",\n4,5\nq\"x,1,2\n\"x\"y,1,2\n7,8,9"
        let bytes = Array(text.utf8)
        let whole = try records(.csv, bytes, names: ["a", "b\"c", "d"])
        #expect(whole.count == 6)
        #expect(whole[0] == .cells(["1", "x\r\n\"y\"", "3"]))
        #expect(whole[2] == .malformed(6, "has 2 fields; the header has 3"))
        #expect(whole[3] == .malformed(7, "has a quote within an unquoted field"))
        #expect(whole[4] == .malformed(8, "has text behind a closing quote"))
        #expect(whole[5] == .cells(["7", "8", "9"]))
        for first in 0...bytes.count {
            #expect(
                try records(.csv, bytes, names: ["a", "b\"c", "d"], cuts: [first]) == whole)
        }
        #expect(
            try records(
                .csv, bytes, names: ["a", "b\"c", "d"], cuts: Array(1..<bytes.count)) == whole)
    }

    @Test func `a header that makes no sense ends the load`() {
        #expect(throws: LoadError.header("is missing: the file is empty")) { try csv("", ["a"]) }
        #expect(throws: LoadError.header("names a column twice")) { try csv("a,a\n", ["a"]) }
        #expect(throws: LoadError.header("is not UTF-8 in column 2")) {
            try records(.csv, [0x61, 0x2C, 0xFF, 0x0A], names: ["a"])
        }
        let wide = (0...LoadingLimits.columnsMax).map { "c\($0)" }.joined(separator: ",")
        #expect(throws: LoadError.self) { try csv(wide + "\n", ["c1"]) }
        let widest = (0..<LoadingLimits.columnsMax).map { "c\($0)" }.joined(separator: ",")
        #expect(throws: Never.self) { try csv(widest + "\n", ["c1"]) }
    }

    @Test func `a record over the limit or a quote that never closes ends the load`() throws {
        let room = LoadingLimits.recordByteCountMax
        let longest = "a\n" + String(repeating: "x", count: room - 1) + "\n"
        #expect(try csv(longest, ["a"]).count == 1)
        let longer = "a\n" + String(repeating: "x", count: room) + "\n1\n"
        #expect(throws: LoadError.recordTooLong(line: 2)) { try csv(longer, ["a"]) }
        let open = "a\n1\n\"" + String(repeating: "x\n", count: room)
        #expect(throws: LoadError.recordTooLong(line: 3)) {
            try csv(open, ["a"], cuts: Array(stride(from: 1_000, to: open.utf8.count, by: 65_536)))
        }
        #expect(throws: LoadError.unclosedQuote(line: 3)) { try csv("a\n1\n\"x", ["a"]) }
    }
}

struct `Reading JSON Lines` {
    @Test func `keys are found in any order and values keep their kind`() throws {
        let text = """
            {"b": -1.5e3, "a": "x", "other": {"a": [1, "}"]}}
             { "a" : null , "b" : true }\r
            {}

            {"a": [1], "b": false}
            """
        #expect(
            try json(text, ["a", "b"]) == [
                .cells(["x", "-1.5e3"]), .cells(["<null>", "<true>"]), .cells([nil, nil]),
                .cells(["<nested>", "<false>"]),
            ])
    }

    @Test func `escapes are resolved, in keys too`() throws {
        let text = #"{"\u0061": "q\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#
        #expect(try json(text, ["a"]) == [.cells(["q\"\\/\u{8}\u{C}\n\r\té😀"])])
    }

    @Test func `each line that is no object is rejected by itself`() throws {
        let wrong = [
            "[1]", "{\"a\":1", "{\"a\" 1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":+1}", "{\"a\":tru}",
            "{\"a\":\"x}", "{\"a\":1}x", "{\"a\":1,}", "{a:1}", "{\"a\":\"\u{1}\"}",
            #"{"a":"\x"}"#, #"{"a":"\ud800"}"#, #"{"a":"\u12"}"#, "{\"a\":1,\"a\":2}", "{\"a\":-}",
            "{\"a\":1e}", "{\"a\":[1}", "nonsense", "{\"a\":\"\\",
            "{\"a\":" + String(repeating: "[", count: 65) + String(repeating: "]", count: 65) + "}",
        ]
        for line in wrong {
            let found = try json("{\"a\":1}\n\(line)\n{\"a\":2}\n", ["a"])
            #expect(found.count == 3)
            guard case .malformed(2, _) = found[1] else {
                Issue.record("\(line) was taken: \(found[1])")
                continue
            }
            #expect(found[2] == .cells(["2"]))
        }
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(try json("{\"a\":\(deepest)}", ["a"]) == [.cells(["<nested>"])])
    }

    @Test func `a line over the limit is passed over, however it is split`() throws {
        let room = LoadingLimits.recordByteCountMax
        let frame = "{\"a\":\"\"}".utf8.count + 1
        let fits = "{\"a\":\"" + String(repeating: "x", count: room - frame) + "\"}\n{\"a\":1}"
        #expect(try json(fits, ["a"]).count == 2)
        let over = "{\"a\":\"" + String(repeating: "x", count: room * 3) + "\"}\n{\"a\":1}\n"
        let bytes = Array(over.utf8)
        for step in [bytes.count, 300_000, 1 << 20, 70_001] {
            let found = try records(
                .jsonLines, bytes, names: ["a"],
                cuts: Array(stride(from: step, to: bytes.count, by: step)))
            #expect(
                found == [.malformed(1, "is longer than \(room) bytes"), .cells(["1"])])
        }
    }

    @Test func `wherever the bytes are split the records are the same`() throws {
        let bytes = Array("{\"a\":\"é\\u00e9\"}\r\n\n{\"a\":12}\nx\n{\"b\":1}".utf8)
        let whole = try records(.jsonLines, bytes, names: ["a"])
        #expect(whole.count == 4)
        for cut in 0...bytes.count {
            #expect(try records(.jsonLines, bytes, names: ["a"], cuts: [cut]) == whole)
        }
    }
}

struct `Damaged files` {
    /// Turns bytes of a good file into others, and feeds them in pieces: the reader must not trap, and
    /// a split must not change what it finds.
    @Test(arguments: [LoadFormat.csv, .jsonLines])
    func `bytes changed at random are rows, rejects or an error`(_ format: LoadFormat) {
        let good =
            format == .csv
            ? "a,b,c\n1,\"x\"\"y\",3\n4,\"5\n6\",\n7,8,9\n"
            : "{\"a\":1,\"b\":\"x\\u00e9\\n\",\"c\":null}\n{\"a\":{\"d\":[1,2]},\"b\":-1.5e3}\n"
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("\"\\,\n\r{}[]:0129.eE+-tfnu\u{0}x\u{FF}".utf8)
        for _ in 0..<3_000 {
            var bytes = Array(good.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = alphabet.randomElement(using: &generator)!
                case 1: bytes.insert(alphabet.randomElement(using: &generator)!, at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            let names = ["a", "b", "c"]
            let whole = try? records(format, bytes, names: names)
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let split = try? records(format, bytes, names: names, cuts: [cut])
            #expect(whole == split)
        }
    }
}
