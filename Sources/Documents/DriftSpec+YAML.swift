// SPDX-License-Identifier: Apache-2.0

internal import API

extension KassaV1.DriftSpec {
    /// The key `drift` of a scorer's document.
    init(_ node: YAMLNode) throws(DocumentError) {
        let fields = try Fields(
            node, name: "drift",
            keys: [
                "window", "false_pages_per_month", "on_shared_drift", "bake_time", "sample_every",
            ])
        self.init()
        windowMs = try fields.milliseconds("window")
        bakeMs = try fields.milliseconds("bake_time")
        if let node = fields.node("false_pages_per_month") {
            guard case .scalar(let text, isPlain: true) = node.content,
                let number = Double(text), number > 0, number.isFinite
            else {
                throw DocumentError(
                    .expected("a number above 0", for: "false_pages_per_month"), at: node.position)
            }
            falsePagesPerMonth = number
        }
        if let node = fields.node("sample_every") {
            guard case .scalar(let text, isPlain: true) = node.content,
                let number = UInt32(text), number > 0
            else {
                throw DocumentError(
                    .expected("a whole number from 1", for: "sample_every"), at: node.position)
            }
            sampleEvery = number
        }
        guard let node = fields.node("on_shared_drift") else { return }
        switch try node.text("on_shared_drift") {
        case "page": onSharedDrift = .page
        case "rollback": onSharedDrift = .rollback
        default:
            throw DocumentError(
                .expected("page or rollback", for: "on_shared_drift"), at: node.position)
        }
    }

    /// The key as it is printed.
    var tree: Tree {
        var entries: [Tree.Entry] = []
        func append(duration milliseconds: UInt64, _ key: String) {
            guard milliseconds != 0 else { return }
            entries.append(.init(key, .text(DurationText.text(milliseconds: milliseconds))))
        }
        append(duration: windowMs, "window")
        if falsePagesPerMonth != 0 {
            entries.append(.init("false_pages_per_month", .number(falsePagesPerMonth)))
        }
        if onSharedDrift == .rollback {
            entries.append(.init("on_shared_drift", .text("rollback")))
        }
        append(duration: bakeMs, "bake_time")
        if sampleEvery != 0 { entries.append(.init("sample_every", .integer(Int64(sampleEvery)))) }
        return .map(entries)
    }
}
