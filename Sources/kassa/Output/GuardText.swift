// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents

/// "8.41".
private func text(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    return "\((min(max(value, -1e9), 1e9) * 100).rounded() / 100)"
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
        let counted = counts.map { "\($0.name) \($0.stable)/\($0.candidate)" }
        let models = isAftercare ? "PREVIOUS/STABLE" : "STABLE/candidate"
        lines.append("  \(models): \(counted.joined(separator: ", "))")
        lines.append(
            "  scored by both: \(pairs) entities, \(differingPairs) decided differently; "
                + "outcomes \(labels)")
        if watchedRatio > 0 && watchedRatio < 1 {
            let percent = (watchedRatio * 1_000).rounded() / 10
            lines.append("  watched now: \(percent) % of entities, as much as there is time for")
        }
        let parts = components.map { "\($0.name) \(text($0.logEvidence))" }
        lines.append("  log evidence by kind: \(parts.joined(separator: ", "))")
        if !holds.isEmpty {
            lines.append(
                "  \(isAftercare ? "note" : "the next step waits for"): "
                    + holds.joined(separator: ", "))
        }
        for sample in samples {
            let hashes = sample.entities.prefix(5).map { String($0, radix: 16) }
            let rest = sample.entities.count - hashes.count
            lines.append(
                "  \(sample.event) at entities \(hashes.joined(separator: " "))"
                    + (rest > 0 ? " and \(rest) more" : ""))
        }
        return lines
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
            .init("holds", .list(holds.map { .text($0) })),
            .init("age_ms", .unsigned(ageMs)), .init("step_age_ms", .unsigned(stepAgeMs)),
            .init("deadline_age_ms", .unsigned(deadlineAgeMs)),
            .init("watched_ratio", .number(watchedRatio)),
        ])
    }
}
