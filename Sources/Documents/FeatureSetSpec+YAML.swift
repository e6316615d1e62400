// SPDX-License-Identifier: Apache-2.0

internal import API

extension KassaV1.FeatureSetSpec {
    /// The feature set that a document of kind `feature_set` describes.
    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "feature_set",
            keys: [
                "kind", "name", "version", "entity", "ttl", "owner", "description", "labels",
                "features",
            ])
        self.init()
        name = try fields.name("name")
        version = try fields.version()
        entity = try Self.entity(try fields.required("entity"))
        ttlMs = try fields.milliseconds("ttl")
        owner = try fields.text("owner")
        description = try fields.text("description")
        labels = try fields.labels()
        var lines: [String: Int] = [:]
        let list = try fields.required("features")
        for element in try list.elements("features") {
            let feature = try KassaV1.FeatureSpec(element)
            if let line = lines.updateValue(element.position.line, forKey: feature.name) {
                throw DocumentError(
                    .duplicateDocument("feature \(feature.name)", firstLine: line),
                    at: element.position)
            }
            features.append(feature)
        }
        guard !features.isEmpty else {
            throw DocumentError(.expected("at least one", for: "features"), at: list.position)
        }
    }

    /// One entity kind, or a list of several different ones.
    private static func entity(_ node: YAMLNode) throws(DocumentError) -> [String] {
        guard case .sequence(let elements) = node.content else {
            return [try node.name("entity")]
        }
        var kinds: [String] = []
        for element in elements {
            let kind = try element.name("entity")
            guard !kinds.contains(kind) else {
                throw DocumentError(
                    .expected("every kind once", for: "entity"), at: element.position)
            }
            kinds.append(kind)
        }
        guard !kinds.isEmpty else {
            throw DocumentError(.expected("at least one kind", for: "entity"), at: node.position)
        }
        return kinds
    }
}

extension KassaV1.FeatureSpec {
    /// The types as documents name them.
    static let typeNames: [(name: String, type: KassaV1.FeatureType)] = [
        ("float32", .float32), ("float64", .float64), ("int64", .int64), ("bool", .bool),
        ("string", .string),
    ]

    fileprivate init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "feature", keys: ["name", "type", "default", "max_age", "description"])
        self.init()
        name = try fields.name("name")
        let typeNode = try fields.required("type")
        let typeText = try typeNode.text("type")
        guard let known = Self.typeNames.first(where: { $0.name == typeText }) else {
            let names = Self.typeNames.map(\.name).joined(separator: ", ")
            throw DocumentError(.expected("one of \(names)", for: "type"), at: typeNode.position)
        }
        type = known.type
        `default` = try fields.node("default")?.value(of: known.type)
        maxAgeMs = try fields.milliseconds("max_age")
        description = try fields.text("description")
    }
}

extension YAMLNode {
    /// A default of a feature's type. Numbers and flags must be plain, because "1" is text.
    fileprivate func value(of type: KassaV1.FeatureType) throws(DocumentError) -> KassaV1.Value {
        let (value, wanted): (KassaV1.Value.Kind?, String) =
            switch type {
            case .float32:
                (
                    plain.flatMap(Self.number).flatMap { Float($0).isFinite ? .number($0) : nil },
                    "a finite number that fits float32"
                )
            case .float64: (plain.flatMap(Self.number).map { .number($0) }, "a finite number")
            case .int64: (plain.flatMap(Self.integer).map { .integer($0) }, "a whole number")
            case .bool: (plain.flatMap(Self.flag).map { .flag($0) }, "true or false")
            default: (isNull ? nil : scalar.map { .text($0) }, "text")
            }
        guard let value else {
            throw DocumentError(.expected(wanted, for: "default"), at: position)
        }
        return KassaV1.Value(kind: value)
    }

    private var scalar: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }

    private var plain: String? {
        guard case .scalar(let text, isPlain: true) = content else { return nil }
        return text
    }

    /// A decimal number; the words and hexadecimal forms that Swift reads as well are refused.
    private static func number(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ byte in "0123456789+-.eE".utf8.contains(byte) }),
            let number = Double(text), number.isFinite
        else { return nil }
        return number
    }

    private static func integer(_ text: String) -> Int64? { Int64(text) }

    private static func flag(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }
}
