// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Glibc
import Testing

@testable import Loading

/// What a load makes of a file, whatever the batches.
private struct Loaded: Equatable {
    var rows: [String] = []
    var rejects: [String] = []
    var records = 0

    mutating func add(_ batch: Batch) {
        let ids = batch.request.keys.map(\.ids)
        for (row, line) in batch.lines.enumerated() {
            var words = ids.map { $0[row] } + ["line \(line)"]
            for column in batch.request.columns {
                if case .floats(let floats) = column.values {
                    words.append("\(floats.values[row])")
                }
                if case .texts(let texts) = column.values { words.append(texts.values[row]) }
            }
            rows.append(words.joined(separator: "|"))
        }
        rejects += batch.rejects.map { "\($0.line) \($0.field) \($0.reason)" }
        records += batch.recordCount
    }
}

struct `Rows by key` {
    private let spec = KassaV1.FeatureSetSpec(
        name: "cart", version: 1, entity: ["session", "shop"],
        features: [
            KassaV1.FeatureSpec(name: "value", type: .float32),
            KassaV1.FeatureSpec(name: "city", type: .string),
        ])

    private func load(
        _ path: String, _ format: LoadFormat, byteCountMax: Int? = nil, skipping skipped: Int = 0
    ) throws -> Loaded {
        var reader = try BatchReader(path, format: format, LoadSchema(spec, LoadOptions()))
        if let byteCountMax {
            try reader.sort(spillPath: path + ".sort", byteCountMax: byteCountMax)
            #expect(unsafe access(path + ".sort", F_OK) != 0, "the spill has no name")
            try reader.skip(records: skipped)
        }
        var loaded = Loaded()
        while let batch = try reader.next() { loaded.add(batch) }
        return loaded
    }

    private func csv(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        var text = "session,value,city,shop\n"
        for row in 0..<count {
            let id = "s-\(Int.random(in: 0..<count, using: &generator))"
            switch Int.random(in: 0..<12, using: &generator) {
            case 0: text += "\"\(id)\",1,\"a \"\"quoted\"\"\ncity\",x\n"
            case 1: text += "\(id),no number,c,x\r\n"
            case 2: text += "\(id),1\n"
            case 3: text += "\(id),1,\"behind\"a quote,x\n"
            case 4: text += ",1,c,x\n"
            case 5: text += "\n\r\n\(id),,,y\r\n"
            case 6: text += "\(id),1,c,\n"
            default: text += "\(id),\(row),city \(row),x\n"
            }
        }
        text += "last,1,c,x"
        return Array(text.utf8)
    }

    @Test(arguments: 0..<12)
    func `sorting changes the order and nothing else, in memory and by way of a file`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        try withFile(csv(400, &generator)) { path in
            let plain = try load(path, .csv)
            for byteCountMax in [1 << 20, 4_096, 200] {
                let sorted = try load(path, .csv, byteCountMax: byteCountMax)
                #expect(sorted.records == plain.records)
                #expect(sorted.rows.sorted() == plain.rows.sorted())
                #expect(sorted.rejects.sorted() == plain.rejects.sorted())
                let keys = sorted.rows.map { row in
                    Array(row.split(separator: "|").prefix(2).joined(separator: "\0").utf8) + [0]
                }
                for (left, right) in zip(keys, keys.dropFirst()) {
                    #expect(!right.lexicographicallyPrecedes(left))
                }
                // The same order every time is what going on behind an interruption rests on.
                let again = try load(
                    path, .csv, byteCountMax: byteCountMax * 2, skipping: plain.records / 3)
                #expect(again.records == plain.records - plain.records / 3)
                #expect(sorted.rows.suffix(again.rows.count) == again.rows[...])
            }
        }
    }

    @Test func `of one key the order of the file stays`() throws {
        let ids = ["b", "a", "b", "a", "b", "a"]
        let lines = ids.enumerated().map { "\($1),\($0),c,x" }
        let text = "session,value,city,shop\n" + lines.joined(separator: "\n") + "\n"
        try withFile(Array(text.utf8)) { path in
            for byteCountMax in [1 << 20, 1] {
                let sorted = try load(path, .csv, byteCountMax: byteCountMax)
                #expect(
                    sorted.rows.map { $0.split(separator: "|")[2] }
                        == ["line 3", "line 5", "line 7", "line 2", "line 4", "line 6"])
            }
        }
    }

    @Test func `JSON Lines are sorted too, with lines that are none or too long`() throws {
        var text = ""
        for number in [5, 3, 9, 1] {
            text += "{\"session\":\"s\(number)\",\"shop\":7,\"value\":\(number)}\n\n{oops\n"
        }
        let long = String(repeating: "x", count: LoadingLimits.recordByteCountMax)
        text += "{\"session\":\"\(long)\"}\n{\"session\":\"s0\",\"shop\":7,\"value\":0}"
        try withFile(Array(text.utf8)) { path in
            let plain = try load(path, .jsonLines)
            for byteCountMax in [8 << 20, 100] {
                let sorted = try load(path, .jsonLines, byteCountMax: byteCountMax)
                #expect(sorted.rows.map { $0.prefix(2) } == ["s0", "s1", "s3", "s5", "s9"])
                #expect(sorted.rejects.sorted() == plain.rejects.sorted())
                #expect(sorted.records == plain.records)
            }
        }
    }

    @Test func `a file for sorting that cannot be made ends the load with its path`() throws {
        let text = "session,value,city,shop\na,1,c,x\nb,1,c,x\n"
        try withFile(Array(text.utf8)) { path in
            var reader = try BatchReader(path, format: .csv, LoadSchema(spec, LoadOptions()))
            do {
                try reader.sort(spillPath: "/nowhere/spill", byteCountMax: 1)
                Issue.record("there is no such folder")
            } catch {
                #expect("\(error)".contains("/nowhere/spill"))
            }
        }
    }
}
