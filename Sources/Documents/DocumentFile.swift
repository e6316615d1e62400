// SPDX-License-Identifier: Apache-2.0

package import API

/// A YAML file of documents, separated by `---`.
package enum DocumentFile {
    private enum Parsed {
        case resource(KassaV1.Document)
        case model(ModelDocument)
    }

    private static let kinds = ["feature_set", "scorer", "model"]

    /// The feature sets and scorers of a file, at least one, in its order.
    ///
    /// A model is refused: its artefact has to be uploaded with it.
    package static func resources(
        in bytes: Span<UInt8>
    ) throws(DocumentError) -> [KassaV1.Document] {
        var documents: [KassaV1.Document] = []
        var lines: [String: Int] = [:]
        for node in try nonEmpty(bytes) {
            guard case .resource(let document) = try parse(node) else {
                throw DocumentError(
                    .expected("feature_set or scorer; upload a model with its file", for: "kind"),
                    at: node.position)
            }
            let title = document.title
            if let line = lines.updateValue(node.position.line, forKey: title) {
                throw DocumentError(
                    .duplicateDocument(title, firstLine: line), at: node.position)
            }
            documents.append(document)
        }
        return documents
    }

    /// The model that a file describes; nothing else may be in it.
    package static func model(in bytes: Span<UInt8>) throws(DocumentError) -> ModelDocument {
        let nodes = try nonEmpty(bytes)
        guard nodes.count == 1 else {
            throw DocumentError(.severalDocuments, at: nodes[1].position)
        }
        guard case .model(let model) = try parse(nodes[0]) else {
            throw DocumentError(.expected("model", for: "kind"), at: nodes[0].position)
        }
        return model
    }

    private static func nonEmpty(_ bytes: Span<UInt8>) throws(DocumentError) -> [YAMLNode] {
        let nodes = try YAMLParser.documents(in: bytes)
        guard !nodes.isEmpty else { throw DocumentError(.noDocument, at: .start) }
        return nodes
    }

    private static func parse(_ node: YAMLNode) throws(DocumentError) -> Parsed {
        guard case .mapping(let entries) = node.content else {
            throw DocumentError(.expected("a mapping", for: "document"), at: node.position)
        }
        guard let kind = entries.first(where: { $0.key == "kind" })?.value else {
            throw DocumentError(.missingKey("kind"), at: node.position)
        }
        switch try kind.text("kind") {
        case "feature_set":
            return .resource(
                KassaV1.Document(resource: .featureSet(try KassaV1.FeatureSetSpec(node))))
        case "scorer":
            return .resource(KassaV1.Document(resource: .scorer(try KassaV1.ScorerSpec(node))))
        case "model":
            return .model(try ModelDocument(node))
        case let other:
            throw DocumentError(
                .unknownKind(other, nearest: NearestWord.of(other, among: kinds)),
                at: kind.position)
        }
    }
}

extension KassaV1.Document {
    /// What tells it apart from other documents: "feature_set cart@3", "scorer cart_abandonment".
    fileprivate var title: String {
        switch resource {
        case .featureSet(let set):
            "feature_set \(set.name)\(set.version == 0 ? "" : "@\(set.version)")"
        case .scorer(let scorer): "scorer \(scorer.name)"
        case nil: ""
        }
    }
}
