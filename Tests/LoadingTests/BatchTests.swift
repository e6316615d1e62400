// SPDX-License-Identifier: Apache-2.0

import API
import Glibc
import Loading
import Testing
import Wire

/// A feature set with a feature of every type.
let shop = KassaV1.FeatureSetSpec(
    name: "cart", version: 3, entity: ["session", "shop"],
    features: [
        KassaV1.FeatureSpec(name: "value", type: .float32),
        KassaV1.FeatureSpec(name: "balance", type: .float64),
        KassaV1.FeatureSpec(name: "items", type: .int64),
        KassaV1.FeatureSpec(name: "member", type: .bool),
        KassaV1.FeatureSpec(name: "city", type: .string),
    ])

/// The batches of a file with this content.
func batches(
    _ text: String, _ format: LoadFormat = .csv, _ options: LoadOptions = LoadOptions(),
    _ spec: KassaV1.FeatureSetSpec = shop
) throws -> [Batch] {
    try batches(Array(text.utf8), format, options, spec)
}

func batches(
    _ bytes: [UInt8], _ format: LoadFormat = .csv, _ options: LoadOptions = LoadOptions(),
    _ spec: KassaV1.FeatureSetSpec = shop
) throws -> [Batch] {
    try withFile(bytes) { path in
        var reader = try BatchReader(path, format: format, LoadSchema(spec, options))
        var found: [Batch] = []
        while let batch = try reader.next() { found.append(batch) }
        return found
    }
}

/// Lends a file with these bytes.
func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let path = "/tmp/kassa-loading-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let file = unsafe fopen(path, "w")!
    _ = unsafe fwrite(bytes, 1, bytes.count, file)
    unsafe fclose(file)
    defer { unsafe unlink(path) }
    return try body(path)
}

struct `Batches` {
    @Test func `columns are typed as they are declared`() throws {
        let found = try batches(
            """
            session,shop,value,balance,items,member,city,unused
            s1,x,1.5,-2e3,7,true,Köln,z
            s2,x,,"",,,"",z
            """)
        let batch = try #require(found.first)
        #expect(found.count == 1)
        #expect(batch.lines == [2, 3])
        #expect(batch.rejects.isEmpty)
        #expect(batch.request.featureSet == "cart@3")
        #expect(
            batch.request.keys == [
                KassaV1.KeyColumn(kind: "session", ids: ["s1", "s2"]),
                KassaV1.KeyColumn(kind: "shop", ids: ["x", "x"]),
            ])
        let expected: [KassaV1.Column] = [
            .init(name: "value", values: .floats(.init(values: [1.5, 0])), absent: [2]),
            .init(name: "balance", values: .doubles(.init(values: [-2000, 0])), absent: [2]),
            .init(name: "items", values: .integers(.init(values: [7, 0])), absent: [2]),
            .init(name: "member", values: .flags(.init(values: [true, false])), absent: [2]),
            .init(name: "city", values: .texts(.init(values: ["Köln", ""]))),
        ]
        #expect(batch.request.columns == expected)
    }

    @Test func `every reason of a reject names its field and line and not the value`() throws {
        let cases: [(String, String, String)] = [
            (",x,1,1,1,true,c", "session", "is missing"),
            ("s,\"\",1,1,1,true,c", "shop", "is empty"),
            ("s,x,secret,1,1,true,c", "value", "is no finite float32"),
            ("s,x,1e39,1,1,true,c", "value", "is no finite float32"),
            ("s,x,nan,1,1,true,c", "value", "is no finite float32"),
            ("s,x,1,1e999,1,true,c", "balance", "is no finite float64"),
            ("s,x,1,0x10,1,true,c", "balance", "is no finite float64"),
            ("s,x,1,1,1.5,true,c", "items", "is no whole number of 64 bits"),
            ("s,x,1,1,9223372036854775808,true,c", "items", "is no whole number of 64 bits"),
            ("s,x,1,1,1,maybe,c", "member", "is neither true nor false"),
            ("s,x,1,1", "", "has 4 fields; the header has 7"),
        ]
        for (row, field, reason) in cases {
            let batch = try #require(
                try batches(
                    "session,shop,value,balance,items,member,city\na,x,1,1,1,true,c\n\(row)\n"
                        + "b,x,2,2,2,false,d\n"
                ).first)
            #expect(batch.rejects == [Reject(line: 3, field: field, reason: reason)])
            #expect(batch.lines == [2, 4])
            #expect(batch.request.keys[0].ids == ["a", "b"])
            // What the rejected row had appended before it failed is gone.
            #expect(batch.request.columns[0].values == .floats(.init(values: [1, 2])))
            #expect(batch.request.columns.allSatisfy { $0.absent.isEmpty && $0.nulls.isEmpty })
        }
    }

    @Test func `text that is not UTF-8 is rejected in ids and in values`() throws {
        for (row, field) in [
            ([0x73, 0xFF, 0x2C, 0x78, 0x2C, 0x63], "session"),
            ([0x73, 0x2C, 0x78, 0x2C, 0xC3], "city"),
        ] as [([UInt8], String)] {
            let bytes = Array("session,shop,city\n".utf8) + row
            let batch = try #require(try batches(bytes).first)
            #expect(batch.rejects == [Reject(line: 2, field: field, reason: "is not UTF-8")])
        }
    }

    @Test func `timestamps are dates or microseconds`() throws {
        let spec = KassaV1.FeatureSetSpec(
            name: "t", version: 1, entity: ["k"],
            features: [KassaV1.FeatureSpec(name: "at", type: .timestamp)])
        let text = "k,at\na,2020-04-01T12:00:00Z\nb,1585742400000000\nc,soon\nd,\n"
        let batch = try #require(try batches(text, .csv, LoadOptions(), spec).first)
        #expect(batch.rejects.map(\.line) == [4])
        let expected: [KassaV1.Column] = [
            .init(
                name: "at",
                values: .integers(
                    .init(values: [1_585_742_400_000_000, 1_585_742_400_000_000, 0])),
                absent: [4])
        ]
        #expect(batch.request.columns == expected)
    }

    private let arrays = KassaV1.FeatureSetSpec(
        name: "t", version: 1, entity: ["k"],
        features: [
            KassaV1.FeatureSpec(name: "v", type: .vector, dimension: 2),
            KassaV1.FeatureSpec(name: "tags", type: .strings),
        ])

    @Test func `vectors and lists are JSON arrays, in cells of CSV and in JSON Lines`() throws {
        let csv = #"""
            k,v,tags
            a,"[1, -2.5e1]","[""x"", ""y \""z\"" \u00e9\ud83d\ude00""]"
            b,,[]
            c," [ 3 ,4 ] ",

            """#
        let lines = #"""
            {"k":"a","v":[1, -2.5e1],"tags":["x", "y \"z\" \u00e9\ud83d\ude00"]}
            {"k":"b","tags":[]}
            {"k":"c","v":[ 3 ,4 ]}

            """#
        for (text, format) in [(csv, LoadFormat.csv), (lines, .jsonLines)] {
            let batch = try #require(try batches(text, format, LoadOptions(), arrays).first)
            #expect(batch.rejects == [])
            let expected: [KassaV1.Column] = [
                .init(
                    name: "v",
                    values: .vectors(.init(dimension: 2, values: [1, -25, 0, 0, 3, 4])),
                    absent: [2]),
                .init(
                    name: "tags",
                    values: .lists(
                        .init(values: [
                            .init(values: ["x", "y \"z\" é😀"]), .init(), .init(),
                        ])),
                    absent: [4]),
            ]
            #expect(batch.request.columns == expected)
        }
    }

    @Test func `an array that does not fit rejects its row, and leaves nothing behind`() throws {
        for value in [
            "[1]", "[1,2,3]", "[1,x]", "[1,null]", "[1,]", "[,1]", "[1e39,1]", "1,2", "[1,2", "[]",
            "[1,2]]", "[1 2]",
        ] {
            let text = "k,v\na,\"[5,6]\"\nb,\"\(value)\"\nc,\"[7,8]\"\n"
            let batch = try #require(try batches(text, .csv, LoadOptions(), arrays).first)
            #expect(
                batch.rejects
                    == [Reject(line: 3, field: "v", reason: "is no array of 2 finite float32")])
            #expect(
                batch.request.columns.first?.values
                    == .vectors(.init(dimension: 2, values: [5, 6, 7, 8])))
        }
        for value in [
            #"[1]"#, #"["x",]"#, #"["x"#, #"["\ud83d"]"#, #"["\ud83d \ude00"]"#, #"["\x"]"#,
            #"{"x":1}"#, #"["x" "y"]"#,
        ] {
            let quoted = value.replacing("\"", with: "\"\"")
            let text = "k,tags\na,\"[\"\"x\"\"]\"\nb,\"\(quoted)\"\n"
            let batch = try #require(try batches(text, .csv, LoadOptions(), arrays).first)
            #expect(
                batch.rejects
                    == [Reject(line: 3, field: "tags", reason: "is no array of strings")],
                "\(value)")
            #expect(
                batch.request.columns.first?.values
                    == .lists(.init(values: [.init(values: ["x"])])))
        }
    }

    @Test func `JSON values must be of the kind that is declared`() throws {
        let cases: [(String, String, String)] = [
            (#""value":true"#, "value", "is true or false, not a number"),
            (#""items":[1]"#, "items", "is an object or an array, not a whole number"),
            (#""items":1.0"#, "items", "is no whole number of 64 bits"),
            (#""city":5"#, "city", "is a number, not text"),
            (#""member":{}"#, "member", "is an object or an array, not true or false"),
        ]
        for (value, field, reason) in cases {
            let text = #"{"session":"s","shop":7,\#(value)}"#
            let batch = try #require(try batches(text, .jsonLines).first)
            #expect(batch.rejects == [Reject(line: 1, field: field, reason: reason)])
        }
        let taken = try batches(
            #"{"session":1,"shop":"x","value":null,"items":"12","member":true}"#, .jsonLines)
        let request = try #require(taken.first?.request)
        #expect(request.keys[0].ids == ["1"])
        #expect(request.columns.map(\.name) == ["value", "items", "member"])
        #expect(request.columns[0].nulls == [1])
    }

    @Test func `options name columns, times and nulls`() throws {
        var options = LoadOptions()
        options.keyColumns = ["session": "id"]
        options.featureColumns = ["value": "total"]
        options.timeColumn = "at"
        options.emptyIsNull = true
        options.nullText = "NULL"
        options.delimiter = UInt8(ascii: ";")
        let batch = try #require(
            try batches(
                """
                id;shop;total;items;at
                a;x;1.5;NULL;2020-04-01 12:00:00 UTC
                b;x;;4;2020-04-01T14:00:00.5+02:00
                c;x;1;4;1585742400
                d;x;1;4;
                """, .csv, options
            ).first)
        #expect(batch.request.eventTimeUs == [1_585_742_400_000_000, 1_585_742_400_500_000])
        #expect(batch.request.columns.map(\.nulls) == [[2], [1]])
        #expect(batch.rejects.map(\.line) == [4, 5])
        #expect(batch.rejects.map(\.field) == ["event_time_us", "event_time_us"])
        #expect(batch.rejects[1].reason == "is missing")
    }

    @Test func `a mapping that the set or the header does not have is refused`() throws {
        var options = LoadOptions()
        options.keyColumns = ["user": "id"]
        #expect(throws: LoadError.self) { try batches("id,shop,value\n", .csv, options) }
        options = LoadOptions()
        options.featureColumns = ["weight": "w"]
        #expect(throws: LoadError.self) { try batches("session,shop,w\n", .csv, options) }
        options = LoadOptions()
        options.featureColumns = ["value": "total"]
        #expect(throws: LoadError.header("has no column total; it has session, shop, value")) {
            try batches("session,shop,value\n", .csv, options)
        }
        #expect(throws: LoadError.header("has no column shop; it has session, value")) {
            try batches("session,value\n")
        }
        #expect(throws: LoadError.self) { try batches("session,shop,colour\n") }
    }

    @Test func `a batch is closed at its rows, and reading goes on at its end`() throws {
        var text = "session,shop,value\n"
        for row in 0..<LoadingLimits.batchRowsMax + 1 { text += "s\(row),x,\(row)\n" }
        try withFile(Array(text.utf8)) { path in
            let schema = try LoadSchema(shop, LoadOptions())
            var reader = try BatchReader(path, format: .csv, schema)
            let first = try #require(try reader.next())
            #expect(first.lines.count == LoadingLimits.batchRowsMax)
            #expect(first.endLine == LoadingLimits.batchRowsMax + 2)
            var other = try BatchReader(path, format: .csv, schema)
            other.skip(to: first.endOffset, line: first.endLine)
            let rest = try #require(try other.next())
            #expect(rest.lines == [LoadingLimits.batchRowsMax + 2])
            #expect(rest.request.keys[0].ids == ["s\(LoadingLimits.batchRowsMax)"])
            #expect(rest.endOffset == text.utf8.count)
            #expect(try other.next() == nil)
        }
    }

    @Test func `a batch of long texts stays under four megabytes`() throws {
        let long = String(repeating: "t", count: 100_000)
        var text = "session,shop,city\n"
        for row in 0..<100 { text += "s\(row),x,\(long)\n" }
        let found = try batches(text)
        #expect(found.count > 1)
        #expect(found.reduce(0) { $0 + $1.lines.count } == 100)
        for batch in found {
            let byteCount = batch.request.encodedBytes().count
            #expect(byteCount < 4 << 20)
        }
    }
}
