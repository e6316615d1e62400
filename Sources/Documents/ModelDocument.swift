// SPDX-License-Identifier: Apache-2.0

internal import Base
package import API

/// A model as its file describes it: the spec to upload, and where the artefact lies.
package struct ModelDocument: Equatable, Sendable {
    /// The spec, without the artefact's SHA-256 and size.
    package var spec: KassaV1.ModelSpec
    /// The artefact's path as written.
    package var artefact: String
    /// The path of the golden rows as written; empty if the file names none.
    package var golden: String
    /// The path of the histograms as written; empty if the file names none.
    package var histograms: String

    /// A path of the model's file, taken as relative to the folder of that file.
    package static func path(_ path: String, besides file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    /// The artefact's path, taken as relative to the folder of the model's own file.
    package func artefactPath(besides file: String) -> String {
        Self.path(artefact, besides: file)
    }

    /// The formats as files name them.
    static let formatNames: [(name: String, format: KassaV1.ModelFormat)] = [
        ("xgboost_json", .xgboostJson), ("xgboost_ubj", .xgboostUbj),
        ("lightgbm_text", .lightgbmText), ("onnx", .onnx), ("plain_json", .plainJson),
    ]

    /// The model that a document of kind `model` describes.
    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "model",
            keys: [
                "kind", "name", "version", "format", "artefact", "golden", "histograms", "output",
                "inputs", "owner", "description", "labels", "training_run_id",
            ])
        spec = KassaV1.ModelSpec()
        spec.name = try fields.name("name")
        spec.version = try fields.version()
        let formatNode = try fields.required("format")
        let formatText = try formatNode.text("format")
        guard let known = Self.formatNames.first(where: { $0.name == formatText }) else {
            let names = Self.formatNames.map(\.name).joined(separator: ", ")
            throw DocumentError(.expected(names, for: "format"), at: formatNode.position)
        }
        spec.format = known.format
        artefact = try Self.path(try fields.required("artefact"), "artefact")
        golden =
            try fields.node("golden").map { node throws(DocumentError) in
                try Self.path(node, "golden")
            } ?? ""
        histograms =
            try fields.node("histograms").map { node throws(DocumentError) in
                try Self.path(node, "histograms")
            } ?? ""
        if let output = fields.node("output") {
            spec.output = try KassaV1.ModelOutput(output)
        }
        spec.trainingRunId = try fields.text("training_run_id")
        let list = try fields.required("inputs")
        for element in try list.elements("inputs") {
            spec.inputs.append(try KassaV1.ModelInput(element))
        }
        guard !spec.inputs.isEmpty else {
            throw DocumentError(.expected("at least one", for: "inputs"), at: list.position)
        }
        spec.owner = try fields.text("owner")
        spec.description = try fields.text("description")
        spec.labels = try fields.labels()
    }

    private static func path(_ node: YAMLNode, _ key: String) throws(DocumentError) -> String {
        let path = try node.text(key)
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw DocumentError(.expected("a path", for: key), at: node.position)
        }
        return path
    }
}

extension KassaV1.ModelInput {
    /// An input: `cart@1.items`, or a mapping of `feature` with its `default` and, for text, its
    /// `categories`, their `codes` and the `other_code`.
    fileprivate init(_ node: YAMLNode) throws(DocumentError) {
        guard case .mapping = node.content else {
            try self.init(reference: node)
            return
        }
        let fields = try Fields(
            node, name: "inputs",
            keys: ["feature", "categories", "codes", "other_code", "default"])
        try self.init(reference: try fields.required("feature"))
        `default` = try fields.node("default")?.plainValue("default")
        if let node = fields.node("codes") {
            codes = try node.numbers("codes").map { Float($0) }
        }
        otherCode = try fields.node("other_code").map { node throws(DocumentError) in
            Float(try node.number("other_code"))
        }
        guard let list = fields.node("categories") else { return }
        for element in try list.elements("categories") {
            let category = try element.text("categories")
            guard !categories.contains(category) else {
                throw DocumentError(
                    .expected("every category once", for: "categories"), at: element.position)
            }
            categories.append(category)
        }
    }

    private init(reference node: YAMLNode) throws(DocumentError) {
        let text = try node.text("feature")
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, Names.isPinned(parts[0]), Name.isValid(parts[1]) else {
            throw DocumentError(
                .expected("a feature of a pinned version, such as cart@1.items", for: "inputs"),
                at: node.position)
        }
        self.init(featureSet: String(parts[0]), feature: String(parts[1]))
    }
}
