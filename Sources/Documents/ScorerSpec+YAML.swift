// SPDX-License-Identifier: Apache-2.0

internal import API

extension KassaV1.ScorerSpec {
    /// The scorer that a document of kind `scorer` describes.
    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "scorer",
            keys: [
                "kind", "name", "model", "owner", "description", "labels", "entity", "outcomes",
                "decision_threshold",
                "drift",
            ])
        self.init()
        name = try fields.name("name")
        // Left out, it is what STABLE has: later models come in by rollouts.
        if let modelNode = fields.node("model") {
            model = try modelNode.text("model")
            guard Names.isPinned(model) else {
                throw DocumentError(
                    .expected("a model and its version, such as abandonment@1", for: "model"),
                    at: modelNode.position)
            }
        }
        if fields.node("entity") != nil { entity = try fields.name("entity") }
        owner = try fields.text("owner")
        description = try fields.text("description")
        labels = try fields.labels()
        if let node = fields.node("decision_threshold") {
            decisionThreshold = try node.number("decision_threshold")
        }
        if let node = fields.node("drift") { drift = try KassaV1.DriftSpec(node) }
        if let node = fields.node("outcomes") { outcomes = try KassaV1.OutcomeSpec(node) }
    }
}
