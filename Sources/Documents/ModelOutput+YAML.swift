// SPDX-License-Identifier: Apache-2.0

internal import API

extension KassaV1.ModelOutput {
    /// The kinds as files name them.
    static let kindNames: [(name: String, kind: KassaV1.OutputKind)] = [
        ("probability", .outputProbability), ("value", .outputValue), ("class", .outputClass),
        ("margin", .outputMargin),
    ]

    /// An output: its `kind`, the `index` of the class or target, and a `calibration`.
    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(node, name: "output", keys: ["kind", "index", "calibration"])
        self.init()
        if let kindNode = fields.node("kind") {
            let text = try kindNode.text("kind")
            guard let known = Self.kindNames.first(where: { $0.name == text }) else {
                let names = Self.kindNames.map(\.name).joined(separator: ", ")
                throw DocumentError(
                    .expected("one of \(names)", for: "kind"), at: kindNode.position)
            }
            kind = known.kind
        }
        if let indexNode = fields.node("index") {
            guard let index = indexNode.plain.flatMap({ UInt32($0) }) else {
                throw DocumentError(
                    .expected("a whole number from 0", for: "index"), at: indexNode.position)
            }
            self.index = index
        }
        if let node = fields.node("calibration") { calibration = try KassaV1.Calibration(node) }
    }
}

extension KassaV1.Calibration {
    /// A calibration: `platt` with `a` and `b`, or `isotonic` with its points' `x` and `y`.
    fileprivate init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(node, name: "calibration", keys: ["platt", "isotonic"])
        switch (fields.node("platt"), fields.node("isotonic")) {
        case (let platt?, nil):
            let fields = try Fields(platt, name: "platt", keys: ["a", "b"])
            self.init(
                method: .platt(
                    KassaV1.PlattCalibration(
                        a: try fields.required("a").number("a"),
                        b: try fields.required("b").number("b"))))
        case (nil, let isotonic?):
            let fields = try Fields(isotonic, name: "isotonic", keys: ["x", "y"])
            self.init(
                method: .isotonic(
                    KassaV1.IsotonicCalibration(
                        x: try fields.required("x").numbers("x"),
                        y: try fields.required("y").numbers("y"))))
        default:
            throw DocumentError(
                .expected("either platt or isotonic", for: "calibration"), at: node.position)
        }
    }
}
