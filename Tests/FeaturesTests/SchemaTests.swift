// SPDX-License-Identifier: Apache-2.0

import API
import Features
import Testing

@Suite struct SchemaTests {
    static func spec() -> KassaV1.FeatureSetSpec {
        KassaV1.FeatureSetSpec(
            name: "cart", entity: ["session"],
            features: [
                KassaV1.FeatureSpec(name: "x", type: .float32),
                KassaV1.FeatureSpec(
                    name: "y", type: .int64, default: KassaV1.Value(kind: .integer(1))),
            ])
    }

    static func field(
        _ change: (inout KassaV1.FeatureSetSpec) -> Void
    ) -> String? {
        var spec = spec()
        change(&spec)
        do throws(FeatureSetError) {
            _ = try FeatureSetDefinition(spec)
            return nil
        } catch {
            switch error {
            case .invalid(let field, _): return field
            case .conflict(let field, _): return "conflict: \(field)"
            }
        }
    }

    @Test func `a document that breaks a rule is refused by the name of its field`() {
        #expect(Self.field { _ in } == nil)
        #expect(Self.field { $0.name = "" } == "name")
        #expect(Self.field { $0.name = "1cart" } == "name")
        #expect(Self.field { $0.name = "Cart" } == "name")
        #expect(Self.field { $0.name = "ca-rt" } == "name")
        #expect(Self.field { $0.entity = [] } == "entity")
        #expect(Self.field { $0.entity = ["a", "b", "a"] } == "entity[2]")
        #expect(Self.field { $0.entity = ["A"] } == "entity[0]")
        #expect(Self.field { $0.features = [] } == "features")
        #expect(Self.field { $0.features[1].name = "x" } == "features[1].name")
        #expect(Self.field { $0.features[1].name = "x y" } == "features[1].name")
        #expect(Self.field { $0.features[0].type = .unspecified } == "features[0].type")
        #expect(
            Self.field { $0.features[0].type = KassaV1.FeatureType(rawValue: 261) }
                == "features[0].type")
        #expect(
            Self.field { $0.features[0].type = KassaV1.FeatureType(rawValue: -1) }
                == "features[0].type")
    }

    @Test func `a default must fit its type and be finite`() {
        func isTaken(_ type: KassaV1.FeatureType, _ kind: KassaV1.Value.Kind?) -> Bool {
            let field = Self.field {
                $0.features[0].type = type
                $0.features[0].default = KassaV1.Value(kind: kind)
            }
            #expect(field == nil || field == "features[0].default")
            return field == nil
        }
        #expect(isTaken(.float32, .number(0.1)))
        #expect(isTaken(.float32, .integer(16_777_216)))
        #expect(!isTaken(.float32, .integer(16_777_217)))
        #expect(!isTaken(.float32, .number(1e300)))
        #expect(!isTaken(.float32, .number(.nan)))
        #expect(!isTaken(.float64, .number(.infinity)))
        #expect(isTaken(.float64, .number(1e300)))
        #expect(isTaken(.int64, .number(3)))
        #expect(!isTaken(.int64, .number(3.5)))
        #expect(!isTaken(.int64, .number(1e19)))
        #expect(!isTaken(.int64, .flag(true)))
        #expect(isTaken(.bool, .flag(true)))
        #expect(!isTaken(.bool, .integer(1)))
        #expect(isTaken(.string, .text("x")))
        #expect(isTaken(.string, .text(String(repeating: "x", count: 1_024))))
        #expect(!isTaken(.string, .text(String(repeating: "x", count: 1_025))))
        #expect(!isTaken(.string, .null(KassaV1.NullValue())))
        #expect(!isTaken(.string, nil))
    }

    @Test func `limits hold at the limit and not one over`() {
        func features(_ count: Int) -> [KassaV1.FeatureSpec] {
            (0..<count).map { KassaV1.FeatureSpec(name: "f\($0)", type: .bool) }
        }
        func name(_ count: Int) -> String { String(repeating: "n", count: count) }
        let durationMax = FeatureLimits.durationMillisecondsMax
        #expect(Self.field { $0.features = features(FeatureLimits.featuresMax) } == nil)
        #expect(Self.field { $0.features = features(FeatureLimits.featuresMax + 1) } == "features")
        #expect(Self.field { $0.name = name(64) } == nil)
        #expect(Self.field { $0.name = name(65) } == "name")
        #expect(Self.field { $0.entity = ["a", "b", "c", "d"] } == nil)
        #expect(Self.field { $0.entity = ["a", "b", "c", "d", "e"] } == "entity")
        #expect(Self.field { $0.ttlMs = durationMax } == nil)
        #expect(Self.field { $0.ttlMs = durationMax + 1 } == "ttl_ms")
        #expect(Self.field { $0.features[0].maxAgeMs = durationMax } == nil)
        #expect(
            Self.field { $0.features[0].maxAgeMs = durationMax + 1 } == "features[0].max_age_ms")
        #expect(Self.field { $0.owner = name(4_096) } == nil)
        #expect(Self.field { $0.owner = name(4_097) } == "owner")
        #expect(Self.field { $0.description = name(4_097) } == "description")
        #expect(
            Self.field { $0.features[1].description = name(4_097) } == "features[1].description")
        let labels = Dictionary(uniqueKeysWithValues: (0..<64).map { ("l\($0)", "v") })
        #expect(Self.field { $0.labels = labels } == nil)
        #expect(Self.field { $0.labels = labels.merging(["m": ""]) { $1 } } == "labels")
        #expect(Self.field { $0.labels = [name(256): name(256)] } == nil)
        #expect(Self.field { $0.labels = [name(257): ""] } == "labels")
        #expect(Self.field { $0.labels = ["": ""] } == "labels")
    }

    @Test func `a reference is a name, with a version or without`() {
        #expect(FeatureSetReference("cart")?.version == 0)
        #expect(FeatureSetReference("cart@3")?.version == 3)
        #expect(FeatureSetReference("cart@3")?.name == "cart")
        for text in [
            "", "@", "cart@", "cart@0", "cart@03", "cart@x", "cart@4294967296", "@3", "c@1@2", "C",
            "cart@+1", "cart@1 ",
        ] {
            #expect(FeatureSetReference(text) == nil, "\(text)")
        }
    }
}
