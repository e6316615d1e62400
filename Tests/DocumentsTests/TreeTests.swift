// SPDX-License-Identifier: Apache-2.0

import API
import Base
@testable import Documents
import Foundation
import Testing

/// Text that YAML and JSON must not mistake for something else.
private let awkward = [
    "", " ", "a", " a", "a ", "true", "False", "NULL", "yes", "No", "on", "y", "~", "-", "- a", "?",
    "? a", "a: b", "a:b", "a #b", "#a", "1", "-1.5", "1e3", "0x1F", "30d", "1e5s", ".inf",
    "2026-01-01", "a\nb",
    "a\r\nb", "\t", "a\tb", "\"", "'", "\\", "\\n", "a,b", "[a]", "{a: b}", "&a", "*a", "!a", "%a",
    "@a", "`a`", "|", ">", "---", "...", "ä ö ü", "日本", "🛒", "\0", "\u{7}", "\u{7F}", "\u{85}",
    "\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}", "e\u{301}", "a@1.b_c",
    "100% (a/b); c+d",
]

private func randomText(_ generator: inout SeededGenerator) -> String {
    (0..<Int.random(in: 1...3, using: &generator))
        .map { _ in awkward.randomElement(using: &generator)! }
        .joined()
}

private func randomName(_ generator: inout SeededGenerator) -> String {
    let letters = Array("abcdefghij_0123456789")
    return "n"
        + String(
            (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                letters.randomElement(using: &generator)!
            })
}

private func randomDrift(_ generator: inout SeededGenerator) -> KassaV1.DriftSpec? {
    guard Bool.random(using: &generator) else { return nil }
    return KassaV1.DriftSpec(
        windowMs: UInt64.random(in: 0...90_000, using: &generator),
        falsePagesPerMonth: Bool.random(using: &generator)
            ? 0 : Double.random(in: 0.001...1_000, using: &generator),
        onSharedDrift: Bool.random(using: &generator) ? .page : .rollback,
        bakeMs: UInt64.random(in: 0...90_000_000, using: &generator),
        sampleEvery: UInt32.random(in: 0...3, using: &generator))
}

private func randomDocument(_ generator: inout SeededGenerator) -> KassaV1.Document {
    let labels = Dictionary(
        (0..<Int.random(in: 0...3, using: &generator)).map { _ in
            (randomText(&generator), randomText(&generator))
        }, uniquingKeysWith: { first, _ in first })
    guard Bool.random(using: &generator) else {
        return KassaV1.Document(
            resource: .scorer(
                KassaV1.ScorerSpec(
                    name: randomName(&generator), model: "\(randomName(&generator))@7",
                    owner: randomText(&generator), description: randomText(&generator),
                    labels: labels, drift: randomDrift(&generator))))
    }
    let features = (0..<Int.random(in: 1...5, using: &generator)).map { index in
        let number = Double.random(in: -1e6...1e6, using: &generator) * 1e-7
        let values: [(KassaV1.FeatureType, KassaV1.Value.Kind)] = [
            (.float32, .number(number)), (.float64, .number(number * 1e290)),
            (.int64, .integer(Int64.random(in: .min ... .max, using: &generator))),
            (.bool, .flag(Bool.random(using: &generator))),
            (.string, .text(randomText(&generator))),
            (.timestamp, .integer(Int64.random(in: .min ... .max, using: &generator))),
            (.vector, .vector(KassaV1.FloatVector(values: [Float(number), 0, -1.5e-30]))),
            (.strings, .strings(KassaV1.StringList(values: [randomText(&generator), "b"]))),
            (.strings, .strings(KassaV1.StringList())),
        ]
        let fallbacks: [KassaV1.Fallback] = [.unspecified, .default, .missing, .fail]
        let (type, kind) = values.randomElement(using: &generator)!
        return KassaV1.FeatureSpec(
            name: "\(randomName(&generator))_\(index)", type: type,
            default: Bool.random(using: &generator) ? KassaV1.Value(kind: kind) : nil,
            maxAgeMs: UInt64.random(in: 0...100_000, using: &generator),
            description: randomText(&generator), dimension: type == .vector ? 3 : 0,
            categories: type == .string && Bool.random(using: &generator) ? ["a", "1", "ü"] : [],
            nan: Bool.random(using: &generator) ? .missing : .refuse,
            onMissing: fallbacks.randomElement(using: &generator)!,
            onStale: (fallbacks + [.use]).randomElement(using: &generator)!)
    }
    return KassaV1.Document(
        resource: .featureSet(
            KassaV1.FeatureSetSpec(
                name: randomName(&generator),
                version: UInt32.random(in: 0...2, using: &generator),
                entity: [["session"], ["customer", "product"]].randomElement(using: &generator)!,
                features: features,
                ttlMs: UInt64.random(in: 0...10, using: &generator) * 86_400_000,
                owner: randomText(&generator), description: randomText(&generator),
                labels: labels, historyMs: UInt64.random(in: 0...2, using: &generator) * 3_600_000,
                deprecated: randomText(&generator))))
}

struct `Printed documents` {
    @Test func `look like what a person writes`() throws {
        let documents = try resources(cart)
        #expect(
            DocumentFile.yaml(documents) == """
                kind: feature_set
                name: cart
                version: 1
                entity:
                  - session
                ttl: 30d
                owner: growth
                description: "What a session's cart holds."
                labels:
                  team: checkout
                features:
                  - name: items
                    type: int64
                    default: 0
                    max_age: 1h
                    description: Lines of the cart.
                  - name: visitor_type
                    type: string
                ---
                kind: scorer
                name: cart_abandonment
                model: abandonment@1
                owner: growth

                """)
    }

    @Test(arguments: [31, 32, 33, 34] as [UInt64])
    func `read back as the same documents`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<250 {
            let document = randomDocument(&generator)
            let text = DocumentFile.yaml([document])
            let read = try resources(text)
            #expect(read == [document], "seed \(seed):\n\(text)")
        }
    }

    @Test func `of a model show its hash and its inputs`() throws {
        var spec = try model(abandonment).spec
        spec.sha256 = [0x00, 0x0F, 0xAB]
        spec.byteCount = 12
        #expect(
            spec.tree.yaml() == """
                kind: model
                name: abandonment
                version: 3
                format: xgboost_json
                sha256: "000fab"
                byte_count: 12
                inputs:
                  - cart@1.items
                  - feature: cart@1.visitor_type
                    categories:
                      - New_Visitor
                      - Other
                      - Returning_Visitor
                owner: growth
                description: Leaves or buys.
                labels:
                  team: checkout

                """)
    }
}

struct `A tree` {
    @Test func `is compact JSON`() {
        let tree = Tree.map([
            .init("a", .list([.integer(.min), .number(0.5), .flag(true), .null])),
            .init("b\"", .text("c\n\u{1}é")), .init("d", .map([])), .init("e", .list([])),
            .init("f", .number(.infinity)), .init("g", .number(.nan)),
        ])
        #expect(
            tree.json()
                == #"{"a":[-9223372036854775808,0.5,true,null],"b\"":"c\n\u0001é","d":{},"e":[],"f":null,"g":null}"#
        )
    }

    @Test func `is indented JSON`() {
        let tree = Tree.map([
            .init("a", .list([.integer(1), .map([.init("b", .list([]))])])), .init("c", .map([])),
        ])
        #expect(
            tree.json(indented: true) == """
                {
                  "a": [
                    1,
                    {
                      "b": []
                    }
                  ],
                  "c": {}
                }
                """)
    }

    @Test func `holds unsigned numbers above the signed ones as text`() {
        #expect(Tree.unsigned(UInt64(Int64.max)) == .integer(.max))
        #expect(Tree.unsigned(UInt64(Int64.max) + 1) == .text("9223372036854775808"))
    }

    @Test(arguments: [true, false])
    func `is JSON that another reader reads`(indented: Bool) throws {
        let tree = Tree.list(awkward.map { .map([.init($0, .text($0))]) })
        let read = try JSONSerialization.jsonObject(with: Data(tree.json(indented: indented).utf8))
        let maps = try #require(read as? [[String: String]])
        #expect(maps.count == awkward.count)
        for (map, text) in zip(maps, awkward) {
            #expect(map.keys.first.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
            #expect(map.values.first.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
        }
    }

    @Test func `is YAML whose lists and maps nest in any way`() throws {
        let tree = Tree.list([
            .list([.text("a"), .list([.integer(1)]), .map([.init("k", .text("v"))])]),
            .map([.init("x", .list([.list([])])), .init("w", .map([.init("z", .map([]))]))]),
            .null, .number(1e-7), .flag(false),
        ])
        #expect(
            tree.yaml() == """
                - - a
                  - - 1
                  - k: v
                - x:
                    - []
                  w:
                    z: {}
                - null
                - 1e-07
                - false

                """)
        #expect(try YAMLParser.documents(in: Array(tree.yaml().utf8).span).count == 1)
        #expect(Tree.text("a").yaml() == "a\n")
        #expect(Tree.map([]).yaml() == "{}\n")
    }
}
