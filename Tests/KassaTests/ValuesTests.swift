// SPDX-License-Identifier: Apache-2.0

import API
import Testing

@testable import kassa

/// What is typed as values, entities and kinds.
struct ValuesTests {
    private func value(
        _ text: String, _ type: KassaV1.FeatureType
    ) throws(CommandError) -> TypedValue {
        try TypedValue(try NamedText("x=\(text)", form: "NAME=VALUE"), type: type)
    }

    @Test func `a value is read as its declared type`() throws {
        #expect(try value("84.90", .float32) == .float(84.9))
        #expect(try value("1e-3", .float64) == .double(0.001))
        #expect(try value("-3", .int64) == .integer(-3))
        #expect(try value("true", .bool) == .flag(true))
        #expect(try value("true", .string) == .text("true"))
        #expect(try value("007", .string) == .text("007"))
        #expect(try value("", .string) == .text(""))
        #expect(try value("a=b", .string) == .text("a=b"))
        #expect(try value("null", .int64) == .null)
    }

    @Test(arguments: [
        ("x", KassaV1.FeatureType.float32), ("nan", .float32), ("1e39", .float32),
        ("inf", .float64),
        ("3.5", .int64), ("9223372036854775808", .int64), ("yes", .bool), ("1", .bool),
        ("", .int64), ("1", KassaV1.FeatureType(rawValue: 99)),
    ])
    func `what does not fit the type is refused`(text: String, type: KassaV1.FeatureType) {
        #expect(throws: CommandError.self) { try value(text, type) }
    }

    @Test func `an explicit null is a column with its bit set`() throws {
        let column = TypedValue.null.column("x", type: .int64)
        #expect(column.nulls == [1])
        #expect(column.values == .integers(KassaV1.IntegerValues(values: [0])))
    }

    @Test(arguments: ["x", "=1", ""])
    func `a word without a name and an equals sign is refused`(word: String) {
        #expect(throws: CommandError.self) { try NamedText(word, form: "NAME=VALUE") }
    }

    @Test func `entities are named once per kind`() throws {
        func entities(_ words: String..., allowingNone: Bool = false) throws -> [NamedText] {
            let flags = words.flatMap { ["-e", $0] }
            return try NamedText.entities(
                try Arguments(["x"] + flags, for: scoreCommand), allowingNone: allowingNone)
        }
        #expect(try entities("session=s=1", "customer=c").map(\.text) == ["s=1", "c"])
        #expect(try entities("customer=", allowingNone: true).map(\.text) == [""])
        #expect(throws: CommandError.self) { try entities("customer=") }
        #expect(throws: CommandError.self) { try entities("session=1", "session=2") }
        #expect(throws: CommandError.self) { try entities() }
    }

    @Test(arguments: [
        ("feature_set", Kind.featureSet), ("feature-sets", .featureSet), ("scorers", .scorer),
        ("model", .model),
    ])
    func `a kind is known with a hyphen and in the plural`(word: String, kind: Kind) throws {
        #expect(try Kind(word) == kind)
    }

    @Test(arguments: ["", "s", "featureset", "scor", "modelx", "models s"])
    func `another kind is refused`(word: String) {
        #expect(throws: CommandError.self) { try Kind(word) }
    }

    @Test func `a refusal names the file and the document`() {
        let places = [
            DocumentPlace(
                KassaV1.Document(resource: .featureSet(KassaV1.FeatureSetSpec(name: "cart"))),
                file: "a.yaml"),
            DocumentPlace(
                KassaV1.Document(resource: .scorer(KassaV1.ScorerSpec(name: "x"))), file: "b.yaml"),
        ]
        func named(_ message: String) -> String {
            DocumentPlace.naming(places, in: message)
        }
        #expect(
            named("documents[0].feature_set.features[3].name: it is empty")
                == "a.yaml: feature_set cart: features[3].name: it is empty")
        #expect(
            named("documents[1].scorer.model: there is none")
                == "b.yaml: scorer x: model: there is none")
        for message in ["documents[2].x", "documents[", "documents[x]", "reason: long", ""] {
            #expect(named(message) == message)
        }
    }

    @Test func `a misspelt feature suggests the nearest`() throws {
        let declared = DeclaredFeatures([
            KassaV1.FeatureSetSpec(
                name: "cart",
                features: [
                    KassaV1.FeatureSpec(name: "items", type: .int64),
                    KassaV1.FeatureSpec(name: "value", type: .float32),
                ])
        ])
        #expect(try declared.type(of: "items", in: "cart@1") == .int64)
        #expect(try declared.type(of: "cart.value", in: "cart@1") == .float32)
        for (name, message) in [
            ("item", "cart@1 has no feature item; did you mean items?"),
            ("zzzzzzzz", "cart@1 has no feature zzzzzzzz; it has items, value"),
        ] {
            do throws(CommandError) {
                _ = try declared.type(of: name, in: "cart@1")
                Issue.record("\(name) was found")
            } catch {
                #expect(error.message == message)
            }
        }
    }
}
