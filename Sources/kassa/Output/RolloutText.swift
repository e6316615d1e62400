// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
internal import Documents

/// `bytes` in hexadecimal.
func hexadecimalText(_ bytes: [UInt8]) -> String { hexadecimal(bytes) }

extension KassaV1.RolloutPhase {
    /// "ROLLED_BACK".
    var word: String { name.hasPrefix("PHASE_") ? String(name.dropFirst(6)) : name }
}

/// "5%", "0.25%".
private func share(_ percent: Double) -> String {
    let text = "\(percent)"
    return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + "%"
}

extension KassaV1.RolloutStatus {
    /// What matters most, in one line.
    var line: String {
        let stable = slots.first { $0.slot == .stable }?.model ?? ""
        var text = "revision \(revision), epoch \(epoch): STABLE \(stable)"
        if let rollout {
            text +=
                ", rollout \(rollout.id) of \(rollout.candidate?.model ?? "") \(rollout.phase.word)"
            if rollout.phase == .phaseCanary || rollout.phase == .phasePaused {
                text += " at \(share(rollout.weightPercent))"
            }
        }
        return text + (unrecorded ? ", not on record yet" : "")
    }

    /// Everything, for a person.
    var lines: [String] {
        var lines = ["scorer \(scorer), revision \(revision), epoch \(epoch)"]
        if unrecorded {
            lines.append("in force, and not on record yet: the store takes no writes")
        }
        for slot in slots {
            let digest = hexadecimal(Array(slot.bundleSha256.prefix(6)))
            let padding = String(repeating: " ", count: max(1, 10 - slot.slot.name.count))
            let until =
                slot.slot == .previous
                ? ", until \(utcText(microseconds: previousUntilUs))" : ""
            lines.append("  \(slot.slot.name)\(padding)\(slot.model) (\(digest)\(until))")
        }
        guard let rollout else { return lines + ["no rollout yet"] }
        lines.append(
            "rollout \(rollout.id): \(rollout.candidate?.model ?? "") against \(rollout.baseline), "
                + rollout.phase.word
                + (rollout.weightPercent > 0 ? " at \(share(rollout.weightPercent))" : ""))
        if !rollout.stepPercents.isEmpty {
            lines.append(
                "  steps \(rollout.stepPercents.map { share($0) }.joined(separator: ", "))")
        }
        lines.append(
            "  began \(utcText(microseconds: rollout.startedAtUs)), "
                + "changed \(utcText(microseconds: rollout.changedAtUs))")
        if let watched = self.`guard` { lines += watched.lines }
        return lines
    }

    var tree: Tree {
        var entries: [Tree.Entry] = [
            .init("scorer", .text(scorer)), .init("revision", .unsigned(revision)),
            .init("epoch", .unsigned(epoch)),
            .init("slots", .list(slots.map(\.tree))),
            .init("previous_until_us", .integer(previousUntilUs)),
            .init("unrecorded", .flag(unrecorded)),
        ]
        if let rollout { entries.append(.init("rollout", rollout.tree)) }
        if let watched = self.`guard` { entries.append(.init("guard", watched.tree)) }
        return .map(entries)
    }
}

extension KassaV1.SlotState {
    var tree: Tree {
        .map([
            .init("slot", .text(slot.name)), .init("model", .text(model)),
            .init("bundle_sha256", .text(hexadecimal(bundleSha256))),
        ])
    }
}

extension KassaV1.Rollout {
    var tree: Tree {
        .map([
            .init("id", .unsigned(id)), .init("phase", .text(phase.word)),
            .init("weight_percent", .number(weightPercent)),
            .init("step_percents", .list(stepPercents.map { .number($0) })),
            .init("candidate", .text(candidate?.model ?? "")),
            .init("candidate_sha256", .text(hexadecimal(candidate?.bundleSha256 ?? []))),
            .init("baseline", .text(baseline)), .init("salt", .text(salt)),
            .init("started_at_us", .integer(startedAtUs)),
            .init("changed_at_us", .integer(changedAtUs)),
        ])
    }
}

extension KassaV1.RolloutTransition {
    /// The cells of a table of transitions.
    var row: [String] {
        [
            "\(revision)", utcText(microseconds: atUs), ValueText.printable(actor), verb,
            rolloutId == 0 ? "" : "\(rolloutId)", candidate,
            rolloutId == 0 ? "" : phase.word, weightPercent > 0 ? share(weightPercent) : "", stable,
            ValueText.printable(reason),
        ]
    }

    /// What was done, by whom and why: "roll-back by guard: fallbacks: 12 of ...".
    var sentence: String {
        verb + (actor.isEmpty ? "" : " by \(ValueText.printable(actor))")
            + (reason.isEmpty ? "" : ": \(ValueText.printable(reason))")
    }

    var tree: Tree {
        var entries: [Tree.Entry] = [
            .init("scorer", .text(scorer)), .init("revision", .unsigned(revision)),
            .init("rollout_id", .unsigned(rolloutId)), .init("at_us", .integer(atUs)),
            .init("actor", .text(actor)), .init("reason", .text(reason)),
            .init("verb", .text(verb)), .init("phase_before", .text(phaseBefore.word)),
            .init("phase", .text(phase.word)),
            .init("weight_percent_before", .number(weightPercentBefore)),
            .init("weight_percent", .number(weightPercent)), .init("stable", .text(stable)),
            .init("candidate", .text(candidate)),
            .init("candidate_sha256", .text(hexadecimal(candidateSha256))),
            .init("epoch", .unsigned(epoch)),
        ]
        if let lastAnswerAfterUs {
            entries.append(.init("last_answer_after_us", .integer(lastAnswerAfterUs)))
        }
        return .map(entries)
    }
}
