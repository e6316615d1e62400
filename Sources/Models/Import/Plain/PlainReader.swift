// SPDX-License-Identifier: Apache-2.0

/// Reads a linear model or a scorecard that a person wrote in JSON; the format is described at
/// ``ModelFormat/plainJSON``.
///
/// Nothing is optional that would have to be guessed, and a key that is not known is refused: in a
/// file written by hand it is a misspelt one.
struct PlainReader: ~Escapable {
    private var json: JSONReader
    private var version: Int?
    private var linkName: String?
    private var intercept: Double?
    private var terms: [LinearModel.Term]?
    private var names: [String] = []
    private var categories: [Int: [String]] = [:]

    static func read(_ bytes: Span<UInt8>) throws(ImportError) -> LinearModel {
        var reader = PlainReader(bytes)
        try reader.readDocument()
        return try reader.model()
    }

    @_lifetime(copy bytes)
    private init(_ bytes: Span<UInt8>) {
        json = JSONReader(bytes)
    }

    private mutating func readDocument() throws(ImportError) {
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("kassa_model") {
                version = try json.integer(in: 0...Int(Int32.max))
            } else if json.keyIs("link") {
                linkName = try json.string()
            } else if json.keyIs("intercept") {
                intercept = try json.double()
            } else if json.keyIs("terms") {
                var terms: [LinearModel.Term] = []
                try json.enterArray()
                while try json.nextElement() {
                    guard terms.count < ImportLimits.featuresMax else {
                        throw .limit("features", max: ImportLimits.featuresMax)
                    }
                    terms.append(try readTerm(terms.count))
                }
                self.terms = terms
            } else {
                throw unknownKey(in: "the model")
            }
        }
        try json.finish()
    }

    private func model() throws(ImportError) -> LinearModel {
        guard let version else {
            throw .field("kassa_model", problem: "is missing: is this a plain model?")
        }
        guard version == 1 else { throw .unsupported("kassa_model \(version)") }
        guard let linkName else { throw .field("link", problem: "is missing") }
        let links: [String: Link] = [
            "identity": .identity, "logistic": .logistic, "exponential": .exponential,
        ]
        guard let link = links[linkName] else { throw .unsupported("the link \(linkName)") }
        guard let intercept else { throw .field("intercept", problem: "is missing") }
        guard let terms else { throw .field("terms", problem: "is missing") }
        return LinearModel(
            featureCount: terms.count, featureNames: names, featureCategories: categories,
            objective: linkName, link: link, arithmetic: .double, baseMargins: [intercept],
            terms: [terms])
    }

    /// What a term's object says.
    private struct Parts {
        var feature: String?
        var weight: Double?
        var edges: [Double]?
        var points: [Double]?
        var categories: [(name: String, points: Double)]?
        var other: Double?
        var missing: Double?
    }

    private mutating func readTerm(_ number: Int) throws(ImportError) -> LinearModel.Term {
        var parts = Parts()
        try json.enterObject()
        while try json.nextKey() {
            if json.keyIs("feature") {
                parts.feature = try json.string()
            } else if json.keyIs("weight") {
                parts.weight = try json.double()
            } else if json.keyIs("edges") {
                parts.edges = try doubles()
            } else if json.keyIs("points") {
                parts.points = try doubles()
            } else if json.keyIs("categories") {
                var list: [(name: String, points: Double)] = []
                try json.enterObject()
                while try json.nextKey() {
                    guard let name = String(validating: json.key, as: UTF8.self) else {
                        throw json.refuse("the string is not UTF-8")
                    }
                    list.append((name, try json.double()))
                }
                parts.categories = list
            } else if json.keyIs("other") {
                parts.other = try json.double()
            } else if json.keyIs("missing") {
                parts.missing = try json.double()
            } else {
                throw unknownKey(in: "term \(number)")
            }
        }
        return try term(parts, number)
    }

    private mutating func term(
        _ parts: Parts, _ number: Int
    ) throws(ImportError) -> LinearModel.Term {
        func refuse(_ problem: String) -> ImportError { .field("term \(number)", problem: problem) }
        guard let feature = parts.feature, !feature.isEmpty else {
            throw refuse("feature is missing")
        }
        guard !names.contains(feature) else { throw refuse("\(feature) has a term already") }
        guard let missing = parts.missing else {
            throw refuse("missing is missing: what does a missing \(feature) add?")
        }
        names.append(feature)
        switch (parts.weight, parts.edges, parts.points, parts.categories, parts.other) {
        case (let weight?, nil, nil, nil, nil):
            return .weight(weight, missing: missing)
        case (nil, let edges?, let points?, nil, nil):
            guard points.count == edges.count + 1 else {
                throw refuse("\(points.count) points for \(edges.count) edges: one more is needed")
            }
            guard zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw refuse("the edges do not ascend")
            }
            return .bins(edges: edges, points: points, missing: missing)
        case (nil, nil, nil, let list?, let other?):
            guard !list.isEmpty else { throw refuse("categories are empty") }
            categories[number] = list.map(\.name)
            return .categories(points: list.map(\.points), other: other, missing: missing)
        default:
            throw refuse(
                "wants weight, or edges and points, or categories and other, and nothing else")
        }
    }

    private mutating func doubles() throws(ImportError) -> [Double] {
        var values: [Double] = []
        try json.enterArray()
        while try json.nextElement() {
            guard values.count < ImportLimits.categoriesMax else {
                throw .limit("values in a list", max: ImportLimits.categoriesMax)
            }
            values.append(try json.double())
        }
        return values
    }

    private func unknownKey(in place: String) -> ImportError {
        .field(place, problem: "\(String(decoding: json.key, as: UTF8.self)) is no key")
    }
}
