// SPDX-License-Identifier: Apache-2.0

internal import API

extension KassaV1.FeatureSetSpec {
    /// The feature set that a document of kind `feature_set` describes.
    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "feature_set",
            keys: [
                "kind", "name", "version", "entity", "ttl", "history", "deprecated", "owner",
                "description", "labels", "features",
            ])
        self.init()
        name = try fields.name("name")
        version = try fields.version()
        entity = try Self.entity(try fields.required("entity"))
        ttlMs = try fields.milliseconds("ttl")
        historyMs = try fields.milliseconds("history")
        deprecated = try fields.text("deprecated")
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
