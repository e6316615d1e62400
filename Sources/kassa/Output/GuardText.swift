// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents
internal import Engine

/// "8.41".
private func text(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    return ValueText.fixed(min(max(value, -1e9), 1e9), digits: 2)
}

extension KassaV1.GuardStatus {
    /// What a guard knows, for a person.
    var lines: [String] {
        let isAftercare = mode == "AFTERCARE"
        var lines = [
            "guard\(isAftercare ? " after the promotion" : ""): \(verdict), log evidence \(text(logEvidence)) "
                + "(\(isAftercare ? "alarm" : "freeze") at \(text(logFreeze)), rollback at \(text(logThreshold)))"
        ]
        if !violation.isEmpty { lines.append("  contract violation: \(violation)") }
        let models = isAftercare ? ["PREVIOUS", "STABLE"] : ["STABLE", "candidate"]
        var table = Table(
            ["", models[0], models[1], "log evidence"], rightAligned: [1, 2, 3], indent: 2)
        for count in counts {
            let part = components.first { $0.name == count.name }
            table.add([
                count.name, "\(count.stable)", "\(count.candidate)",
                part.map { text($0.logEvidence) } ?? "",
            ])
        }
        for part in components where !counts.contains(where: { $0.name == part.name }) {
            table.add([part.name, "", "", text(part.logEvidence)])
        }
        lines += table.lines
        lines.append(
            "  scored by both: \(pairs) entities, \(differingPairs) decided differently; "
                + "outcomes \(labels)")
        if watchedRatio > 0 && watchedRatio < 1 {
            let percent = (watchedRatio * 1_000).rounded() / 10
            lines.append("  watched now: \(percent) % of entities, as much as there is time for")
        }
        for (event, isTrial) in causeKinds {
            let text = CauseWords.text(causes, of: event, ofTrial: isTrial, limit: 5)
            let model = models[isTrial ? 1 : 0]
            lines.append("  \(event) of \(model): \(text)")
        }
        if !holds.isEmpty {
            lines.append(
                "  \(isAftercare ? "note" : "the next step waits for"): "
                    + holds.joined(separator: ", "))
        }
        for sample in samples {
            let hashes = sample.entities.prefix(4).map { Self.hash($0) }
            let rest = sample.entities.count - hashes.count
            lines.append(
                "  \(sample.event) at entities \(hashes.joined(separator: " "))"
                    + (rest > 0 ? " and \(rest) more" : ""))
        }
        return lines
    }

    /// The events and models of which causes are known, the candidate's first.
    private var causeKinds: [(String, Bool)] {
        var kinds: [(String, Bool)] = []
        for cause in causes where !kinds.contains(where: { $0 == (cause.event, cause.candidate) }) {
            kinds.append((cause.event, cause.candidate))
        }
        return kinds
    }

    /// Sixteen digits.
    private static func hash(_ entity: UInt64) -> String {
        let digits = String(entity, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    var tree: Tree {
        .map([
            .init("verdict", .text(verdict)), .init("mode", .text(mode)),
            .init("log_evidence", .number(logEvidence)),
            .init("log_threshold", .number(logThreshold)), .init("log_freeze", .number(logFreeze)),
            .init(
                "components",
                .map(components.map { .init($0.name, .number($0.logEvidence)) })),
            .init(
                "counts",
                .map(
                    counts.map {
                        .init(
                            $0.name,
                            .map([
                                .init("stable", .unsigned($0.stable)),
                                .init("candidate", .unsigned($0.candidate)),
                            ]))
                    })),
            .init("pairs", .unsigned(pairs)), .init("differing_pairs", .unsigned(differingPairs)),
            .init("labels", .unsigned(labels)), .init("violation", .text(violation)),
            .init("causes", .list(causes.map(\.tree))),
            .init("holds", .list(holds.map { .text($0) })),
            .init("age_ms", .unsigned(ageMs)), .init("step_age_ms", .unsigned(stepAgeMs)),
            .init("deadline_age_ms", .unsigned(deadlineAgeMs)),
            .init("watched_ratio", .number(watchedRatio)),
        ])
    }
}

extension KassaV1.GuardCause {
    fileprivate var tree: Tree {
        var entries: [Tree.Entry] = [
            .init("event", .text(event)), .init("candidate", .flag(candidate)),
        ]
        if !feature.isEmpty {
            entries += [.init("feature", .text(feature)), .init("status", .text(status.name))]
        }
        if !error.isEmpty { entries.append(.init("error", .text(error))) }
        if microseconds > 0 { entries.append(.init("microseconds", .unsigned(microseconds))) }
        return .map(entries + [.init("entities", .unsigned(entities))])
    }
}
