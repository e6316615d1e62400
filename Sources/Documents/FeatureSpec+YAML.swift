// SPDX-License-Identifier: Apache-2.0

internal import API

extension KassaV1.FeatureSpec {
    /// The types as documents name them; a vector's name goes on with its dimension, "vector[16]".
    static let typeNames: [(name: String, type: KassaV1.FeatureType)] = [
        ("float32", .float32), ("float64", .float64), ("int64", .int64), ("bool", .bool),
        ("string", .string), ("timestamp", .timestamp), ("strings", .strings),
    ]

    /// The fallbacks as documents name them.
    private static let fallbackNames: [(name: String, fallback: KassaV1.Fallback)] = [
        ("use", .use), ("default", .default), ("missing", .missing), ("fail", .fail),
    ]

    /// The word for a fallback; empty if there is none.
    static func word(_ fallback: KassaV1.Fallback) -> String {
        fallbackNames.first { $0.fallback == fallback }?.name ?? ""
    }

    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "feature",
            keys: [
                "name", "type", "categories", "default", "max_age", "nan", "on_missing",
                "on_stale", "description",
            ])
        self.init()
        name = try fields.name("name")
        let typeNode = try fields.required("type")
        let typeText = try typeNode.text("type")
        if let known = Self.typeNames.first(where: { $0.name == typeText }) {
            type = known.type
        } else if let vector = Self.dimension(of: typeText) {
            type = .vector
            dimension = vector
        } else {
            let names = Self.typeNames.map(\.name).joined(separator: ", ")
            throw DocumentError(
                .expected("one of \(names), vector[1] to vector[512]", for: "type"),
                at: typeNode.position)
        }
        categories = try Self.categories(fields.node("categories"))
        `default` = try fields.node("default")?.value(of: type)
        maxAgeMs = try fields.milliseconds("max_age")
        nan = try Self.nonFinite(fields.node("nan"))
        onMissing = try Self.fallback(
            fields.node("on_missing"), "on_missing", of: Self.fallbackNames.dropFirst())
        onStale = try Self.fallback(
            fields.node("on_stale"), "on_stale", of: Self.fallbackNames[...])
        description = try fields.text("description")
    }

    /// The dimension in "vector[16]"; nil if the text is no such type.
    private static func dimension(of text: String) -> UInt32? {
        guard text.hasPrefix("vector["), text.hasSuffix("]") else { return nil }
        let digits = text.dropFirst(7).dropLast()
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), digits.utf8.first != 0x30,
            let dimension = UInt32(digits), (1...512).contains(dimension)
        else { return nil }
        return dimension
    }

    private static func categories(_ node: YAMLNode?) throws(DocumentError) -> [String] {
        guard let node else { return [] }
        var categories: [String] = []
        var known: Set<String> = []
        for element in try node.elements("categories") {
            let category = try element.text("categories")
            guard known.insert(category).inserted else {
                throw DocumentError(
                    .expected("every category once", for: "categories"), at: element.position)
            }
            categories.append(category)
        }
        guard !categories.isEmpty else {
            throw DocumentError(
                .expected("at least one category", for: "categories"), at: node.position)
        }
        return categories
    }

    private static func nonFinite(_ node: YAMLNode?) throws(DocumentError) -> KassaV1.NonFinite {
        guard let node else { return .refuse }
        switch try node.text("nan") {
        case "refuse": return .refuse
        case "missing": return .missing
        default:
            throw DocumentError(.expected("refuse or missing", for: "nan"), at: node.position)
        }
    }

    private static func fallback(
        _ node: YAMLNode?, _ key: String,
        of names: ArraySlice<(name: String, fallback: KassaV1.Fallback)>
    ) throws(DocumentError) -> KassaV1.Fallback {
        guard let node else { return .unspecified }
        let text = try node.text(key)
        guard let known = names.first(where: { $0.name == text }) else {
            throw DocumentError(
                .expected("one of \(names.map(\.name).joined(separator: ", "))", for: key),
                at: node.position)
        }
        return known.fallback
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
            case .timestamp:
                (
                    plain.flatMap(Self.integer).map { .integer($0) },
                    "a whole number of microseconds since 1970"
                )
            case .vector:
                (
                    list { $0.plain.flatMap(Self.number).map { Float($0) } }
                        .flatMap { $0.allSatisfy(\.isFinite) ? $0 : nil }
                        .map { .vector(KassaV1.FloatVector(values: $0)) },
                    "a list of finite numbers"
                )
            case .strings:
                (
                    list { $0.isNull ? nil : $0.scalar }
                        .map { .strings(KassaV1.StringList(values: $0)) }, "a list of texts"
                )
            case .bool: (plain.flatMap(Self.flag).map { .flag($0) }, "true or false")
            default: (isNull ? nil : scalar.map { .text($0) }, "text")
            }
        guard let value else {
            throw DocumentError(.expected(wanted, for: "default"), at: position)
        }
        return KassaV1.Value(kind: value)
    }

    /// What `read` makes of the elements of a sequence; nil if it is none or one cannot be read.
    func list<Element>(_ read: (YAMLNode) -> Element?) -> [Element]? {
        guard case .sequence(let elements) = content else { return nil }
        let values = elements.compactMap(read)
        return values.count == elements.count ? values : nil
    }

    /// The text of a scalar, quoted or not.
    var scalar: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }

    /// The text of a scalar that is not quoted.
    var plain: String? {
        guard case .scalar(let text, isPlain: true) = content else { return nil }
        return text
    }

    /// A decimal number; the words and hexadecimal forms that Swift reads as well are refused.
    static func number(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ byte in "0123456789+-.eE".utf8.contains(byte) }),
            let number = Double(text), number.isFinite
        else { return nil }
        return number
    }

    static func integer(_ text: String) -> Int64? { Int64(text) }

    static func flag(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }
}
