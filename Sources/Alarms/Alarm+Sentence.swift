// SPDX-License-Identifier: Apache-2.0

extension Alarm {
    /// The alarm as a sentence for a terminal, with what the JSON says but for its id and the server: "rolled
    /// back: abandonment@3, rollout 8 of cart_abandonment; fallbacks: 12 of 40 entities ... (log_evidence 6.95)".
    ///
    /// Printable ASCII only, as the JSON, and never longer than that.
    package var sentence: [UInt8] {
        var about: [String] = []
        if !model.isEmpty { about.append(model) }
        if rolloutID != 0 { about.append("rollout \(rolloutID)") }
        var subject = about.joined(separator: ", ")
        if !scorer.isEmpty { subject += subject.isEmpty ? scorer : " of \(scorer)" }
        let ended = state == .cleared ? " (over)" : ""
        var text = "\(kind.words)\(ended): \(subject)\(subject.isEmpty ? "" : "; ")\(reason)"
        var names: Set<String> = []
        // What the reason says already is not said again.
        let numbers = details.filter { detail in
            let words = detail.name.split(separator: "_").joined(separator: " ")
            return names.insert(detail.name).inserted && !reason.contains(detail.name)
                && !reason.contains(words)
        }
        .prefix(AlarmLimits.detailsMax).map { "\($0.name) \(Self.text($0.number))" }
        if !numbers.isEmpty { text += " (\(numbers.joined(separator: ", ")))" }
        return Self.printable(text, byteCountMax: AlarmLimits.encodedByteCountMax)
    }

    /// "12", "6.95".
    private static func text(_ number: Double) -> String {
        guard number.isFinite, number.magnitude < 1e12 else { return "\(number)" }
        let rounded = (number * 100).rounded() / 100
        return rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
    }

    /// What could begin a line or speak to a terminal becomes a question mark.
    private static func printable(_ text: String, byteCountMax: Int) -> [UInt8] {
        let bytes = text.unicodeScalars.prefix(byteCountMax).map { scalar in
            (" "..."~").contains(scalar) ? UInt8(scalar.value) : UInt8(ascii: "?")
        }
        return Array(bytes)
    }
}

extension AlarmKind {
    /// The kind in words, "rolled back".
    package var words: String {
        name.split(separator: "_").joined(separator: " ")
    }
}
