// SPDX-License-Identifier: Apache-2.0

internal import API

extension KassaV1.OutcomeSpec {
    /// The key `outcomes` of a scorer's document.
    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "outcomes", keys: ["maturity", "horizon", "absent"])
        self.init()
        maturityMs = try fields.milliseconds("maturity")
        horizonMs = try fields.milliseconds("horizon")
        guard let node = fields.node("absent") else { return }
        switch try node.text("absent") {
        case "ignore": absent = .absentIgnore
        case "negative": absent = .absentNegative
        default:
            throw DocumentError(.expected("ignore or negative", for: "absent"), at: node.position)
        }
    }

    /// The key as it is printed.
    var tree: Tree {
        var entries: [Tree.Entry] = []
        entries.append(duration: maturityMs, "maturity")
        entries.append(duration: horizonMs, "horizon")
        if absent != .absentIgnore { entries.append(.init("absent", .text("negative"))) }
        return .map(entries)
    }
}
