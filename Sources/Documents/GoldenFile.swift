// SPDX-License-Identifier: Apache-2.0

package import API

/// Golden rows and histograms in files of JSON Lines, as a trainer writes them.
///
/// A golden row has its inputs by name (`null` is missing) or the artefact's whole row (`null`
/// likewise), and the score or the margin that the trainer got:
///
///     {"values": {"cart_items": 3, "device": "mobile"}, "score": 0.727611542}
///     {"row": [3, 1, null], "margin": 0.98, "tolerance": 1e-5}
///
/// A histogram is of a place in the artefact's row, from 0, or of the "score":
///
///     {"input": 0, "n": 9, "edges": [0, 1, 5], "counts": [4, 3], "missing": 2}
///     {"input": 1, "n": 5, "categories": ["mobile"], "category_counts": [4], "other": 1}
package enum GoldenFile {
    /// The golden rows of a file, in its order.
    package static func rows(in bytes: Span<UInt8>) throws(DocumentError) -> [KassaV1.GoldenRow] {
        try lines(of: bytes) { node, _ throws(DocumentError) in try KassaV1.GoldenRow(node) }
    }

    /// The histograms of a file, in its order; that of the score by itself.
    package static func histograms(
        in bytes: Span<UInt8>
    ) throws(DocumentError) -> (
        inputs: [KassaV1.ReferenceHistogram], score: KassaV1.ReferenceHistogram?
    ) {
        var inputs: [KassaV1.ReferenceHistogram] = []
        var score: KassaV1.ReferenceHistogram?
        let all = try lines(of: bytes) { node, _ throws(DocumentError) in
            (try KassaV1.ReferenceHistogram.isOfScore(node), try KassaV1.ReferenceHistogram(node))
        }
        for (isOfScore, histogram) in all {
            if isOfScore { score = histogram } else { inputs.append(histogram) }
        }
        return (inputs, score)
    }

    /// What `read` makes of each line and its number; JSON is read as the YAML that it is. Empty lines are left out.
    static func lines<Element>(
        of bytes: Span<UInt8>, _ read: (YAMLNode, Int) throws(DocumentError) -> Element
    ) throws(DocumentError) -> [Element] {
        var elements: [Element] = []
        var number = 1
        var start = 0
        for end in 0...bytes.count where end == bytes.count || bytes[end] == 0x0A {
            defer { number += 1 }
            let line = bytes.extracting(start..<end)
            start = end + 1
            do throws(DocumentError) {
                let nodes = try YAMLParser.documents(in: line)
                guard let node = nodes.first else { continue }
                elements.append(try read(node, number))
            } catch {
                throw DocumentError(
                    error.reason, at: YAMLPosition(line: number, column: error.position.column))
            }
        }
        return elements
    }
}

extension KassaV1.GoldenRow {
    fileprivate init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "row", keys: ["values", "row", "score", "margin", "tolerance"])
        self.init()
        if let node = fields.node("values") {
            guard case .mapping(let entries) = node.content else {
                throw DocumentError(.expected("a mapping", for: "values"), at: node.position)
            }
            for entry in entries {
                values.append(
                    KassaV1.NamedValue(name: entry.key, value: try entry.value.plainValue("values"))
                )
            }
        }
        if let node = fields.node("row") {
            for element in try node.elements("row") {
                row.append(element.isNull ? .nan : Float(try element.number("row")))
            }
        }
        score = try fields.node("score").map { node throws(DocumentError) in
            try node.number("score")
        }
        margin = try fields.node("margin").map { node throws(DocumentError) in
            try node.number("margin")
        }
        if let node = fields.node("tolerance") { tolerance = try node.number("tolerance") }
    }
}

extension KassaV1.ReferenceHistogram {
    fileprivate static func isOfScore(_ node: YAMLNode) throws(DocumentError) -> Bool {
        guard case .mapping(let entries) = node.content else { return false }
        return entries.first { $0.key == "input" }?.value.scalar == "score"
    }

    fileprivate init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "histogram",
            keys: [
                "input", "n", "edges", "counts", "missing", "out_of_range", "categories",
                "category_counts", "other", "unseen",
            ])
        self.init()
        let place = try fields.required("input")
        if place.scalar != "score" {
            guard let input = place.plain.flatMap({ UInt32($0) }) else {
                throw DocumentError(
                    .expected("a place in the row, from 0, or score", for: "input"),
                    at: place.position)
            }
            self.input = input
        }
        n = try fields.required("n").count("n")
        if let node = fields.node("edges") { edges = try node.numbers("edges") }
        if let node = fields.node("counts") { counts = try node.counts("counts") }
        if let node = fields.node("missing") { missing = try node.count("missing") }
        if let node = fields.node("out_of_range") { outOfRange = try node.count("out_of_range") }
        for element in try fields.node("categories")?.elements("categories") ?? [] {
            categories.append(try element.text("categories"))
        }
        if let node = fields.node("category_counts") {
            categoryCounts = try node.counts("category_counts")
        }
        if let node = fields.node("other") { other = try node.count("other") }
        if let node = fields.node("unseen") { unseen = try node.count("unseen") }
    }
}
