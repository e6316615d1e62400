// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
internal import Documents
internal import Wire

/// A score with what computed it.
struct ScoreText {
    let scorer: String
    let response: KassaV1.ScoreResponse

    /// The score first, then a table; the features if they were asked for.
    var lines: [String] {
        var table = Table(indent: 2)
        table.add(["model", "\(response.model) (\(response.slot.name))"])
        table.add(["epoch", "\(response.epoch)"])
        if !response.scoreId.isEmpty { table.add(["score id", response.scoreId]) }
        table.add([
            "oldest feature", ValueText.age(milliseconds: Int64(response.oldestFeatureAgeMs)),
        ])
        for (index, line) in degradedLines.enumerated() {
            table.add([index == 0 ? "degraded" : "", line])
        }
        var lines = ["\(scorer) \(ValueText.fixed(response.score, digits: 4))"] + table.lines
        if !response.features.isEmpty {
            lines += [""] + FeatureTable(response.features.map(ReadCell.init)).lines
        }
        if !response.contributions.isEmpty { lines += [""] + contributionLines }
        return lines
    }

    /// What the inputs added, the rest, the expectation, and the margin that they come to.
    private var contributionLines: [String] {
        var table = Table(["CONTRIBUTION", "TO THE MARGIN"], rightAligned: [1], indent: 2)
        func add(_ name: String, _ value: Double) {
            table.add([name, ValueText.fixed(value, digits: 4)])
        }
        for contribution in response.contributions { add(contribution.name, contribution.value) }
        if response.otherContributions != 0 { add("all others", response.otherContributions) }
        add("expectation", response.expectation)
        add("margin", response.margin)
        return table.lines
    }

    /// The degraded features by status, wrapped.
    private var degradedLines: [String] {
        var statuses: [KassaV1.Status] = []
        for note in response.degraded where !statuses.contains(note.status) {
            statuses.append(note.status)
        }
        if statuses.isEmpty { return ["none"] }
        return statuses.flatMap { status in
            let names = response.degraded.filter { $0.status == status }.map(\.name)
            return Self.wrap(names, after: "\(status.name) (\(names.count)): ")
        }
    }

    /// `words` behind `start`, on lines of at most 80 columns, the later ones indented.
    private static func wrap(_ words: [String], after start: String) -> [String] {
        var lines = [start]
        for (index, word) in words.enumerated() {
            let text = index == words.count - 1 ? word : "\(word), "
            if lines[lines.count - 1].count + text.count > 80, index > 0 { lines.append("  ") }
            lines[lines.count - 1] += text
        }
        return lines
    }

    var tree: Tree {
        let degraded = response.degraded.map { note -> Tree in
            .map([.init("name", .text(note.name)), .init("status", .text(note.status.name))])
        }
        var entries: [Tree.Entry] = [
            .init("score", .number(response.score)), .init("margin", .number(response.margin)),
            .init("model", .text(response.model)), .init("slot", .text(response.slot.name)),
            .init("bundle_sha256", .text(hexadecimal(response.bundleSha256))),
            .init("epoch", .unsigned(response.epoch)),
            .init("oldest_feature_age_ms", .integer(Int64(response.oldestFeatureAgeMs))),
            .init("degraded", .list(degraded)),
        ]
        if !response.scoreId.isEmpty {
            entries.append(.init("score_id", .text(response.scoreId)))
        }
        if !response.features.isEmpty {
            entries.append(
                .init("features", .list(response.features.map { ReadCell($0).tree })))
        }
        if !response.contributions.isEmpty {
            let contributions = response.contributions.map { entry -> Tree in
                .map([.init("name", .text(entry.name)), .init("value", .number(entry.value))])
            }
            entries += [
                .init("contributions", .list(contributions)),
                .init("other_contributions", .number(response.otherContributions)),
                .init("expectation", .number(response.expectation)),
            ]
        }
        return .map(entries)
    }
}
