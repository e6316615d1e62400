// SPDX-License-Identifier: Apache-2.0

import API
import Glibc
import Loading
import Testing
import Wire

@testable import kassa

/// The label file, and the cells of the rows that are joined to it.
struct ExportTests {
    /// The records of a label file, or why it is refused; and the lines on which they began.
    private func records(_ bytes: [UInt8]) -> (records: [[String]], lines: [Int], error: String?) {
        var name = Array("/tmp/kassa-labels-XXXXXX\0".utf8)
        let file = unsafe name.withUnsafeMutableBytes {
            unsafe mkstemp($0.baseAddress!.assumingMemoryBound(to: CChar.self))
        }
        let path = String(decoding: name.dropLast(), as: UTF8.self)
        defer { unsafe unlink(path) }
        _ = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        close(file)
        var records: [[String]] = []
        var lines: [Int] = []
        do throws(CommandError) {
            var labels = try LabelFile(path)
            records.append(labels.header)
            lines.append(labels.line)
            while let fields = try labels.next() {
                records.append(fields)
                lines.append(labels.line)
            }
        } catch {
            return (records, lines, error.message.replacing(path, with: "FILE"))
        }
        return (records, lines, nil)
    }

    @Test func `records are read as RFC 4180 has them`() {
        let text = "\u{FEFF}a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n\n2,\n\"\",é"
        let (records, lines, error) = records(Array(text.utf8))
        #expect(error == nil)
        #expect(records == [["a", "b"], ["1", "x, \"y\"\nz"], ["2", ""], ["", "é"]])
        #expect(lines == [1, 2, 5, 6])
    }

    @Test func `a record may lie across any chunk`() {
        let long = String(repeating: "é", count: LoadingLimits.chunkByteCount - 3)
        let (records, _, error) = records(Array("a,b\nx\(long),\"\(long)\"\ny,z\n".utf8))
        #expect(error == nil)
        #expect(records == [["a", "b"], ["x\(long)", long], ["y", "z"]])
    }

    @Test(arguments: [
        ("", "FILE: the header row is missing: the file is empty"),
        ("a,a\n", "FILE: the header row names a column twice"),
        ("a,b\n1\n", "FILE:2: the record has 1 fields; the header has 2"),
        (
            "a\n\"x\n",
            "FILE: line 2: the file ends within a quoted field that begins in this record"
        ),
        ("a\n\"x\"y\n", "FILE:2: the record has text behind a closing quote"),
        ("a\nx\"y\n", "FILE:2: the record has a quote within an unquoted field"),
    ])
    func `a file that is wrong is refused with its line`(_ text: String, _ message: String) {
        #expect(records(Array(text.utf8)).error == message)
    }

    @Test func `what is no UTF-8 is refused`() {
        #expect(records([0x61, 0x0A, 0xFF, 0x0A]).error == "FILE:2: the record is not UTF-8")
    }

    @Test func `a record at the limit is read, and one over it is refused`() {
        let most = [UInt8](repeating: 0x78, count: LoadingLimits.recordByteCountMax)
        #expect(records([0x61, 0x0A] + most).error == nil)
        #expect(
            records([0x61, 0x0A] + most + [0x78]).error
                == "FILE: line 2: the record is longer than \(LoadingLimits.recordByteCountMax) bytes;"
                + " is a closing quote missing?")
    }

    private static let set = KassaV1.FeatureSetSpec(name: "cart", version: 3)

    private static func cells(
        _ type: KassaV1.FeatureType, _ values: KassaV1.ReadColumn.Values,
        _ status: KassaV1.Status = .present, onStale: KassaV1.Fallback = .unspecified,
        dimension: UInt32 = 0
    ) -> String {
        let feature = KassaV1.FeatureSpec(
            name: "f", type: type, dimension: dimension, onStale: onStale)
        return ExportColumn(feature, of: set).cells(
            KassaV1.ReadColumn(
                name: "f", type: type, values: values, statuses: [UInt8(status.rawValue)],
                agesMs: [0]), row: 0)
    }

    @Test func `values are as short as they can be said`() {
        #expect(Self.cells(.float32, .floats(.init(values: [0.1]))) == "0.1")
        #expect(Self.cells(.float32, .floats(.init(values: [3]))) == "3")
        #expect(Self.cells(.float64, .doubles(.init(values: [0.1]))) == "0.1")
        #expect(Self.cells(.int64, .integers(.init(values: [.min]))) == "-9223372036854775808")
        #expect(Self.cells(.bool, .flags(.init(values: [true]))) == "true")
        #expect(Self.cells(.string, .texts(.init(values: ["a,\"b\""]))) == "\"a,\"\"b\"\"\"")
        #expect(Self.cells(.string, .texts(.init(values: [""]))) == "\"\"")
        #expect(
            Self.cells(.vector, .vectors(.init(dimension: 2, values: [1, 0.5])), dimension: 2)
                == "1,0.5")
        #expect(
            Self.cells(.strings, .lists(.init(values: [.init(values: ["a", "b"])])))
                == "\"[\"\"a\"\",\"\"b\"\"]\"")
    }

    @Test func `a cell is empty where a model would have seen nothing`() {
        let one = KassaV1.ReadColumn.Values.floats(.init(values: [1]))
        for status in [
            KassaV1.Status.null, .noEntity, .noFeature, .expired, .invalid, .unspecified,
        ] {
            #expect(Self.cells(.float32, one, status) == "")
        }
        #expect(Self.cells(.float32, one, .defaulted) == "1")
        #expect(Self.cells(.float32, one, .stale) == "1")
        #expect(Self.cells(.float32, one, .stale, onStale: .use) == "1")
        #expect(Self.cells(.float32, one, .stale, onStale: .missing) == "")
        #expect(Self.cells(.float32, one, .stale, onStale: .fail) == "")
        #expect(
            Self.cells(
                .vector, .vectors(.init(dimension: 3, values: [0, 0, 0])), .null, dimension: 3)
                == ",,")
    }

    @Test func `an answer with too few values is no trap`() {
        #expect(Self.cells(.float32, .floats(.init())) == "")
        #expect(Self.cells(.float32, .texts(.init(values: ["x"]))) == "x")
        #expect(
            Self.cells(.vector, .vectors(.init(dimension: 2, values: [1])), dimension: 2) == ",")
    }

    @Test func `a refusal names the line of the file`() {
        let rows = (0..<3).map { LabelRow(fields: [], time: 0, line: 10 + $0) }
        #expect(
            Export.naming(rows, of: "l.csv", in: "as_of_us_each[2]: is in the future")
                == "l.csv:12: as_of_us_each: is in the future")
        #expect(
            Export.naming(rows, of: "l.csv", in: "keys[session].ids[1]: is empty")
                == "l.csv:11: keys: is empty")
        #expect(Export.naming(rows, of: "l.csv", in: "x[3]: y") == "x[3]: y")
        #expect(Export.naming(rows, of: "l.csv", in: "keys: y") == "keys: y")
    }
}
