// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents

/// Three decimals.
private func rounded(_ number: Double) -> String {
    let thousandths = Int64(exactly: (abs(number) * 1_000).rounded()) ?? 0
    let decimals = String(thousandths % 1_000 + 1_000).dropFirst()
    return "\(number < 0 ? "-" : "")\(thousandths / 1_000).\(decimals)"
}

/// "12.5%".
private func percent(_ rate: Double) -> String {
    let tenths = Int64(exactly: (rate * 1_000).rounded()) ?? 0
    return "\(tenths / 10).\(tenths % 10)%"
}

extension KassaV1.DriftSignal {
    /// "shift".
    var word: String {
        name.hasPrefix("DRIFT_") ? name.dropFirst(6).lowercased() : name
    }
}

extension KassaV1.DriftAction {
    /// "page and freeze".
    var words: String {
        name.hasPrefix("DRIFT_")
            ? name.dropFirst(6).lowercased().split(separator: "_").joined(separator: " ") : name
    }
}

extension KassaV1.DriftReport {
    /// What matters most, in one line: "drift: nothing; most in STABLE: cart.items, PSI 0.012 of 0.250".
    var line: String {
        var text = "drift: \(action.words)"
        if sinceUs != 0 { text += " since \(utcText(microseconds: sinceUs))" }
        let known = slots.flatMap { slot in slot.features.map { (slot.slot.name, $0) } }
            .filter { $0.1.psiThreshold != nil }
        let worst = known.max { left, right in
            (left.1.alarms.count, left.1.psi) < (right.1.alarms.count, right.1.psi)
        }
        guard let worst else { return text + "; no full window yet" }
        return text + "; most in \(worst.0): \(worst.1.feature), PSI \(rounded(worst.1.psi)) of "
            + rounded(worst.1.psiThreshold ?? 0)
    }

    /// Everything, for a person.
    func lines(featuresMax: Int) -> [String] {
        var lines = [
            line,
            "windows of \(DurationText.text(milliseconds: windowMs)), "
                + "\(falsePagesPerMonth) false pages a month",
        ]
        for slot in slots {
            lines.append("")
            lines.append(
                "\(slot.slot.name) \(slot.model): \(slot.windows) full windows, "
                    + "\(slot.values) values in the last, \(slot.openValues) since"
                    + (slot.tooLittleTraffic ? "; too little traffic to judge" : "")
                    + (slot.unwatched > 0 ? "; \(slot.unwatched) inputs without histogram" : ""))
            guard !slot.features.isEmpty else { continue }
            var table = Table(
                ["FEATURE", "PSI", "OF", "WINDOWS", "NULL", "UNSEEN", "STALE", "ALARMS"],
                rightAligned: [1, 2, 3, 4, 5, 6], indent: 2)
            for feature in slot.features.prefix(featuresMax) { table.add(feature.row) }
            lines += table.lines
            let rest = slot.features.count - min(featuresMax, slot.features.count)
            if rest > 0 { lines.append("  and \(rest) more (--all)") }
        }
        return lines
    }

    var tree: Tree {
        .map([
            .init("scorer", .text(scorer)), .init("action", .text(action.words)),
            .init("since_us", .integer(sinceUs)), .init("window_ms", .unsigned(windowMs)),
            .init("false_pages_per_month", .number(falsePagesPerMonth)),
            .init("slots", .list(slots.map(\.tree))),
        ])
    }
}

extension KassaV1.SlotDrift {
    var tree: Tree {
        .map([
            .init("slot", .text(slot.name)), .init("model", .text(model)),
            .init("windows", .unsigned(windows)), .init("values", .unsigned(values)),
            .init("open_values", .unsigned(openValues)),
            .init("too_little_traffic", .flag(tooLittleTraffic)),
            .init("features", .list(features.map(\.tree))),
            .init("unwatched", .integer(Int64(unwatched))),
        ])
    }
}

extension KassaV1.FeatureDrift {
    /// "shift", "null usual at this hour".
    private var notes: [String] {
        alarms.map(\.word) + usual.map { "\($0.word) usual at this hour" }
            + (accepted ? ["accepted"] : [])
    }

    /// The cells of a table of features.
    var row: [String] {
        [
            feature, psiThreshold == nil ? "" : rounded(psi), psiThreshold.map(rounded) ?? "",
            "\(windowsShifted)", percent(nullRate), percent(unseenRate), percent(staleRate),
            notes.joined(separator: ", "),
        ]
    }

    var tree: Tree {
        .map([
            .init("feature", .text(feature)), .init("psi", .number(psi)),
            .init("psi_threshold", psiThreshold.map { .number($0) } ?? .null),
            .init("windows_shifted", .integer(Int64(windowsShifted))),
            .init("null_rate", .number(nullRate)), .init("null_rate_max", .number(nullRateMax)),
            .init("unseen_rate", .number(unseenRate)),
            .init("unseen_rate_max", .number(unseenRateMax)),
            .init("stale_rate", .number(staleRate)),
            .init("stale_rate_max", .number(staleRateMax)),
            .init("alarms", .list(alarms.map { .text($0.word) })),
            .init("usual", .list(usual.map { .text($0.word) })),
            .init("hour_psi", hourPsi.map { .number($0) } ?? .null),
            .init("hour_psi_threshold", hourPsiThreshold.map { .number($0) } ?? .null),
            .init("accepted", .flag(accepted)),
            .init("reference_values", .unsigned(referenceValues)),
        ])
    }
}
