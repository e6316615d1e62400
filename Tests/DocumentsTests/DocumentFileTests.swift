// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Testing
import Wire

/// The documents of a file, or its error.
func resources(_ text: String) throws(DocumentError) -> [KassaV1.Document] {
    try DocumentFile.resources(in: Array(text.utf8).span)
}

func model(_ text: String) throws(DocumentError) -> ModelDocument {
    try DocumentFile.model(in: Array(text.utf8).span)
}

/// Expects that reading `text` fails with a message at a line and column.
func expectRefusal(
    _ text: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    do throws(DocumentError) {
        let documents = try resources(text)
        Issue.record("accepted: \(documents)", sourceLocation: sourceLocation)
    } catch {
        #expect(error.description(file: "f") == expected, sourceLocation: sourceLocation)
    }
}

let cart = """
    kind: feature_set
    name: cart
    version: 1            # optional
    entity: [session]
    ttl: 30d
    owner: growth
    description: What a session's cart holds.
    labels: {team: checkout}
    features:
      - {name: items, type: int64, default: 0, max_age: 1h, description: Lines of the cart.}
      - {name: visitor_type, type: string}
    ---
    kind: scorer
    name: cart_abandonment
    model: abandonment@1
    owner: growth

    """

let abandonment = """
    kind: model
    name: abandonment
    version: 3
    format: xgboost_json
    artefact: model.json
    owner: growth
    description: Leaves or buys.
    labels: {team: checkout}
    inputs:
      - cart@1.items
      - feature: cart@1.visitor_type
        categories: [New_Visitor, Other, Returning_Visitor]

    """

struct `A file of documents` {
    @Test func `becomes the messages that Apply takes`() throws {
        let documents = try resources(cart)
        #expect(
            documents == [
                KassaV1.Document(
                    resource: .featureSet(
                        KassaV1.FeatureSetSpec(
                            name: "cart", version: 1, entity: ["session"],
                            features: [
                                KassaV1.FeatureSpec(
                                    name: "items", type: .int64,
                                    default: KassaV1.Value(kind: .integer(0)),
                                    maxAgeMs: 3_600_000, description: "Lines of the cart."),
                                KassaV1.FeatureSpec(name: "visitor_type", type: .string),
                            ],
                            ttlMs: 30 * 86_400_000, owner: "growth",
                            description: "What a session's cart holds.",
                            labels: ["team": "checkout"]))),
                KassaV1.Document(
                    resource: .scorer(
                        KassaV1.ScorerSpec(
                            name: "cart_abandonment", model: "abandonment@1", owner: "growth"))),
            ])
    }

    @Test func `says what types, fallbacks and history mean in the messages of Apply`() throws {
        let text = """
            kind: feature_set
            name: taste
            entity: customer
            history: 30d
            deprecated: use taste@2
            features:
              - name: embedding
                type: vector[3]
                default: [0, 1, -0.5]
                nan: missing
                on_stale: default
              - {name: seen, type: timestamp, on_missing: fail}
              - {name: tags, type: strings, default: [a, "1"]}
              - {name: segment, type: string, categories: [new, loyal]}

            """
        let document = try #require(try resources(text).first)
        #expect(
            document
                == KassaV1.Document(
                    resource: .featureSet(
                        KassaV1.FeatureSetSpec(
                            name: "taste", entity: ["customer"],
                            features: [
                                KassaV1.FeatureSpec(
                                    name: "embedding", type: .vector,
                                    default: KassaV1.Value(
                                        kind: .vector(KassaV1.FloatVector(values: [0, 1, -0.5]))),
                                    dimension: 3, nan: .missing, onStale: .default),
                                KassaV1.FeatureSpec(
                                    name: "seen", type: .timestamp, onMissing: .fail),
                                KassaV1.FeatureSpec(
                                    name: "tags", type: .strings,
                                    default: KassaV1.Value(
                                        kind: .strings(KassaV1.StringList(values: ["a", "1"])))),
                                KassaV1.FeatureSpec(
                                    name: "segment", type: .string, categories: ["new", "loyal"]),
                            ],
                            historyMs: 30 * 86_400_000, deprecated: "use taste@2"))))
    }

    @Test func `takes one entity kind without brackets and several with them`() throws {
        let text = "kind: feature_set\nname: a\nentity: %\nfeatures: [{name: b, type: bool}]\n"
        for (entity, kinds) in [
            ("session", ["session"]), ("[customer, product]", ["customer", "product"]),
        ] {
            let document = try #require(try resources(text.replacing("%", with: entity)).first)
            guard case .featureSet(let set) = document.resource else {
                Issue.record("not a feature set")
                return
            }
            #expect(set.entity == kinds)
            #expect(set.version == 0)
        }
    }

    @Test(arguments: ["---\n", "---\n---\n", "--- ~\n---\n", "# nothing\n---\n"])
    func `may have empty documents between`(separator: String) throws {
        let scorer = "kind: scorer\nname: %\nmodel: m@1\n"
        let text =
            separator + scorer.replacing("%", with: "a") + separator
            + scorer.replacing("%", with: "b") + "---\n"
        #expect(try resources(text).count == 2)
    }

    @Test(arguments: ["", "\n", "# only a comment\n", "---\n", "---\n...\n", "\u{FEFF}"])
    func `must hold a document`(text: String) {
        expectRefusal(text, "f:1:1: the file holds no document")
    }

    @Test func `may begin with a byte order mark`() throws {
        #expect(try resources("\u{FEFF}" + cart).count == 2)
    }

    @Test func `may end its lines with carriage returns`() throws {
        #expect(try resources(cart.replacing("\n", with: "\r\n")) == resources(cart))
    }

    @Test func `may not hold the same document twice`() {
        expectRefusal(
            "kind: scorer\nname: a\nmodel: m@1\n---\nkind: scorer\nname: a\nmodel: m@2\n",
            "f:5:1: scorer a is already on line 1")
    }

    @Test func `may hold two versions of a feature set`() throws {
        let set =
            "kind: feature_set\nname: a\nversion: %\nentity: s\nfeatures: [{name: b, type: bool}]\n"
        let text = set.replacing("%", with: "1") + "---\n" + set.replacing("%", with: "2")
        #expect(try resources(text).count == 2)
    }

    @Test func `may not hold a model`() {
        expectRefusal(
            abandonment, "f:1:1: kind: expected feature_set or scorer; upload a model with its file"
        )
    }
}

struct `A mistake in a document` {
    private static func set(_ line: String, features: String = "[{name: b, type: bool}]") -> String
    {
        "kind: feature_set\nname: a\nentity: s\nfeatures: \(features)\n\(line)"
    }

    @Test(
        arguments: [
            ("onwer: x", "f:5:1: unknown key \"onwer\"; did you mean \"owner\"?"),
            ("max_age: 3d", "f:5:1: unknown key \"max_age\""),
            ("Owner: x", "f:5:1: unknown key \"Owner\"; did you mean \"owner\"?"),
            ("name: b", "f:5:1: key \"name\" is already on line 2"),
            ("<<: {a: 1}", "f:5:1: unknown key \"<<\""),
            ("version: 0", "f:5:10: version: expected a whole number from 1 to 4294967295"),
            (
                "version: 4294967296",
                "f:5:10: version: expected a whole number from 1 to 4294967295"
            ),
            ("version: \"1\"", "f:5:10: version: expected a whole number from 1 to 4294967295"),
            ("version: [1]", "f:5:10: version: expected a whole number from 1 to 4294967295"),
            (
                "ttl: 30",
                "f:5:6: ttl: expected a duration such as 500ms, 10s, 15m, 24h or 30d, up to 36500d"
            ),
            ("owner: ~", "f:5:8: owner: expected text"),
            ("owner:", "f:5:7: owner: expected text"),
            ("owner: {a: b}", "f:5:8: owner: expected text"),
            ("labels: x", "f:5:9: labels: expected a mapping"),
            ("labels: {a: [1]}", "f:5:13: labels: expected text"),
            ("labels: {a: b, a: c}", "f:5:16: key \"a\" is already on line 5"),
            ("? [a]\n: b", "f:5:3: a key must be text"),
            ("owner: &x a", "f:5:8: anchors and aliases are not supported"),
            ("owner: *x", "f:5:8: anchors and aliases are not supported"),
            ("owner: !!str a", "f:5:8: tags are not supported"),
        ])
    func `is named with its line and column`(line: String, expected: String) {
        expectRefusal(Self.set(line), expected)
    }

    @Test(
        arguments: [
            ("[]", "f:4:11: features: expected at least one"),
            ("{}", "f:4:11: features: expected a list"),
            ("[x]", "f:4:12: feature: expected a mapping"),
            ("[{name: b}]", "f:4:12: key \"type\" is missing"),
            ("[{type: bool}]", "f:4:12: key \"name\" is missing"),
            (
                "[{name: B, type: bool}]",
                "f:4:19: name: expected a name of lower-case letters, digits and _, up to 64"
            ),
            (
                "[{name: b, type: int}]",
                "f:4:28: type: expected one of float32, float64, int64, bool, "
                    + "string, timestamp, strings, vector[1] to vector[512]"
            ),
            (
                "[{name: b, type: bool}, {name: b, type: bool}]",
                "f:4:35: feature b is already on line 4"
            ),
            (
                "[{name: b, type: bool, max_aeg: 1h}]",
                "f:4:34: unknown key \"max_aeg\"; did you mean \"max_age\"?"
            ),
            ("[{name: b, type: int64, default: 1.5}]", "f:4:44: default: expected a whole number"),
            (
                "[{name: b, type: int64, default: \"1\"}]",
                "f:4:44: default: expected a whole number"
            ),
            (
                "[{name: b, type: int64, default: 9223372036854775808}]",
                "f:4:44: default: expected a whole number"
            ),
            (
                "[{name: b, type: float64, default: nan}]",
                "f:4:46: default: expected a finite number"
            ),
            (
                "[{name: b, type: float64, default: inf}]",
                "f:4:46: default: expected a finite number"
            ),
            (
                "[{name: b, type: float64, default: 1e999}]",
                "f:4:46: default: expected a finite number"
            ),
            (
                "[{name: b, type: float64, default: 0x10}]",
                "f:4:46: default: expected a finite number"
            ),
            (
                "[{name: b, type: float32, default: 1e39}]",
                "f:4:46: default: expected a finite number that fits float32"
            ),
            ("[{name: b, type: bool, default: yes}]", "f:4:43: default: expected true or false"),
            ("[{name: b, type: string, default: ~}]", "f:4:45: default: expected text"),
            ("[{name: b, type: string, default: [a]}]", "f:4:45: default: expected text"),
            (
                "[{name: b, type: \"vector[0]\"}]",
                "f:4:28: type: expected one of float32, float64, int64, bool, "
                    + "string, timestamp, strings, vector[1] to vector[512]"
            ),
            (
                "[{name: b, type: \"vector[513]\"}]",
                "f:4:28: type: expected one of float32, float64, int64, bool, "
                    + "string, timestamp, strings, vector[1] to vector[512]"
            ),
            (
                "[{name: b, type: \"vector[2]\", default: [1, .nan]}]",
                "f:4:50: default: expected a list of finite numbers"
            ),
            (
                "[{name: b, type: strings, default: [a, ~]}]",
                "f:4:46: default: expected a list of texts"
            ),
            (
                "[{name: b, type: timestamp, default: 1.5}]",
                "f:4:48: default: expected a whole number of microseconds since 1970"
            ),
            (
                "[{name: b, type: string, categories: [a, a]}]",
                "f:4:52: categories: expected every category once"
            ),
            (
                "[{name: b, type: string, categories: []}]",
                "f:4:48: categories: expected at least one category"
            ),
            (
                "[{name: b, type: float32, nan: keep}]",
                "f:4:42: nan: expected refuse or missing"
            ),
            (
                "[{name: b, type: float32, on_missing: use}]",
                "f:4:49: on_missing: expected one of default, missing, fail"
            ),
            (
                "[{name: b, type: float32, on_stale: drop}]",
                "f:4:47: on_stale: expected one of use, default, missing, fail"
            ),
        ])
    func `in a feature is named as well`(features: String, expected: String) {
        expectRefusal(Self.set("", features: features), expected)
    }

    @Test(
        arguments: [
            ("- a", "f:1:1: document: expected a mapping"),
            ("text", "f:1:1: document: expected a mapping"),
            ("name: a", "f:1:1: key \"kind\" is missing"),
            (
                "name: a\nkind: featureset",
                "f:2:7: unknown kind \"featureset\"; did you mean \"feature_set\"?"
            ),
            ("kind: rollout\nname: a", "f:1:7: unknown kind \"rollout\""),
            (
                "kind: scorer\nname: a\nmodel: m",
                "f:3:8: model: expected a model and its version, such as abandonment@1"
            ),
            (
                "kind: scorer\nname: a\nmodel: m@0",
                "f:3:8: model: expected a model and its version, such as abandonment@1"
            ),
            (
                "kind: scorer\nname: a\nmodel: m@+1",
                "f:3:8: model: expected a model and its version, such as abandonment@1"
            ),
            (
                "kind: scorer\nname: a\nmodel: m@4294967296",
                "f:3:8: model: expected a model and its version, such as abandonment@1"
            ),
            ("kind: scorer\nmodel: m@1", "f:1:1: key \"name\" is missing"),
            ("kind: scorer\nname: a\ndrift: 5m", "f:3:8: drift: expected a mapping"),
            (
                "kind: scorer\nname: a\ndrift: {windows: 5m}",
                "f:3:9: unknown key \"windows\"; did you mean \"window\"?"
            ),
            (
                "kind: scorer\nname: a\ndrift: {on_shared_drift: undo}",
                "f:3:26: on_shared_drift: expected page or rollback"
            ),
            (
                "kind: scorer\nname: a\ndrift: {false_pages_per_month: -1}",
                "f:3:32: false_pages_per_month: expected a number above 0"
            ),
            (
                "kind: scorer\nname: a\ndrift: {sample_every: 0}",
                "f:3:23: sample_every: expected a whole number from 1"
            ),
            (
                "kind: scorer\nname: a\nmodel: m@1\nmodle: m@1",
                "f:4:1: unknown key \"modle\"; did you mean \"model\"?"
            ),
            (
                "kind: feature_set\nname: a\nentity: []\nfeatures: [{name: b, type: bool}]",
                "f:3:9: entity: expected at least one kind"
            ),
            (
                "kind: feature_set\nname: a\nentity: [s, s]\nfeatures: [{name: b, type: bool}]",
                "f:3:13: entity: expected every kind once"
            ),
            (
                "kind: feature_set\nname: a\nfeatures: [{name: b, type: bool}]",
                "f:1:1: key \"entity\" is missing"
            ),
        ])
    func `in a document's head is named as well`(text: String, expected: String) {
        expectRefusal(text, expected)
    }

    @Test(arguments: [64, 65])
    func `of a name's length is seen at one over the limit`(count: Int) {
        let text = "kind: scorer\nname: \(String(repeating: "a", count: count))\nmodel: m@1\n"
        if count == 64 {
            #expect(throws: Never.self) { try resources(text) }
        } else {
            expectRefusal(
                text, "f:2:7: name: expected a name of lower-case letters, digits and _, up to 64")
        }
    }
}

struct `Defaults` {
    @Test(
        arguments: [
            ("int64", "-9223372036854775808", .integer(.min)), ("int64", "+5", .integer(5)),
            ("float64", "1", .number(1)), ("float64", "-2.5e-3", .number(-0.0025)),
            ("float32", "0.1", .number(0.1)), ("bool", "true", .flag(true)),
            ("bool", "False", .flag(false)), ("string", "Other", .text("Other")),
            ("string", "\"\"", .text("")), ("string", "\"null\"", .text("null")),
            ("string", "1", .text("1")),
        ] as [(String, String, KassaV1.Value.Kind)])
    func `have the feature's type`(type: String, text: String, kind: KassaV1.Value.Kind) throws {
        let documents = try resources(
            "kind: feature_set\nname: a\nentity: s\nfeatures:\n- {name: b, type: \(type), default: \(text)}\n"
        )
        guard case .featureSet(let set) = documents.first?.resource else {
            Issue.record("not a feature set")
            return
        }
        #expect(set.features.first?.default == KassaV1.Value(kind: kind))
    }
}

struct `A model's file` {
    @Test func `becomes the spec to upload and the artefact's path`() throws {
        let document = try model(abandonment)
        #expect(
            document.spec
                == KassaV1.ModelSpec(
                    name: "abandonment", version: 3, format: .xgboostJson,
                    inputs: [
                        KassaV1.ModelInput(featureSet: "cart@1", feature: "items"),
                        KassaV1.ModelInput(
                            featureSet: "cart@1", feature: "visitor_type",
                            categories: ["New_Visitor", "Other", "Returning_Visitor"]),
                    ],
                    owner: "growth", description: "Leaves or buys.",
                    labels: ["team": "checkout"]))
        #expect(document.artefact == "model.json")
    }

    @Test func `lies beside its artefact`() throws {
        var document = try model(abandonment)
        #expect(document.artefactPath(besides: "model.yaml") == "model.json")
        #expect(document.artefactPath(besides: "a/b/model.yaml") == "a/b/model.json")
        #expect(document.artefactPath(besides: "/model.yaml") == "/model.json")
        document.artefact = "/srv/model.json"
        #expect(document.artefactPath(besides: "a/model.yaml") == "/srv/model.json")
    }

    @Test(
        arguments: [
            (
                "- cart@1.items", "- cart.items",
                "f:10:5: inputs: expected a feature of a pinned version, such as cart@1.items"
            ),
            (
                "- cart@1.items", "- cart@1",
                "f:10:5: inputs: expected a feature of a pinned version, such as cart@1.items"
            ),
            (
                "- cart@1.items", "- cart@1.a.b",
                "f:10:5: inputs: expected a feature of a pinned version, such as cart@1.items"
            ),
            (
                "format: xgboost_json", "format: pickle",
                "f:4:9: format: expected xgboost_json, xgboost_ubj, lightgbm_text, onnx, plain_json"
            ),
            ("artefact: model.json", "artefact: \"\"", "f:5:11: artefact: expected a path"),
            ("artefact: model.json", "artefact: \"a\\0b\"", "f:5:11: artefact: expected a path"),
            (
                "categories", "categorys",
                "f:12:5: unknown key \"categorys\"; did you mean \"categories\"?"
            ),
            ("Other, ", "New_Visitor, ", "f:12:31: categories: expected every category once"),
            ("kind: model", "kind: scorer", "f:3:1: unknown key \"version\""),
        ])
    func `says where it is wrong`(line: String, replacement: String, expected: String) {
        do throws(DocumentError) {
            _ = try model(abandonment.replacing(line, with: replacement))
            Issue.record("accepted")
        } catch {
            #expect(error.description(file: "f") == expected)
        }
    }

    @Test func `holds one model and nothing else`() {
        #expect(throws: DocumentError.self) { try model(abandonment + "---\n" + abandonment) }
        #expect(throws: DocumentError.self) { try model("kind: scorer\nname: a\nmodel: m@1\n") }
        #expect(throws: DocumentError.self) { try model("") }
    }
}
