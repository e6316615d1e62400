// SPDX-License-Identifier: Apache-2.0

/// One figure of a bench: ours beside a peer's, each the median of its rounds.
struct Row {
    enum Better {
        case higher, lower
    }

    var name: String
    var metric: String
    var unit: String
    var better: Better
    /// One value per round.
    var ours: [Double]
    var peer: [Double]
    var peerName: String

    /// Above 1 when ours is better; not a number when one of them is 0.
    var ratio: Double {
        let (ours, peer) = (median(ours), median(peer))
        // A short run may have used less CPU time than the clock tick that it is counted in.
        guard ours > 0, peer > 0 else { return .nan }
        return better == .higher ? ours / peer : peer / ours
    }

    /// From so many rounds on the middle half of them is shown: the extremes only ever move apart.
    private static let quartileRounds = 8

    private var shownRatios: [Double] {
        ratios.count < Self.quartileRounds ? ratios : quartiles(ratios)
    }

    /// The ratio within each round, where both sides have one value a round.
    private var ratios: [Double] {
        guard ours.count == peer.count else { return [] }
        return zip(ours, peer).compactMap { ours, peer in
            guard ours > 0, peer > 0 else { return nil }
            return better == .higher ? ours / peer : peer / ours
        }
    }

    var json: String {
        """
        {"case": \(quoted(name)), "metric": \(quoted(metric)), "unit": \(quoted(unit)), \
        "ours": \(number(median(ours))), "peer": \(number(median(peer))), \
        "peer_name": \(quoted(peerName)), "ratio": \(number(ratio)), \
        "spread": {"ours": \(range(ours)), "peer": \(range(peer)), "ratio": \(range(ratios))}, \
        "rounds": {"count": \(ours.count), "ratio": \(number(median(ratios))), \
        "quartiles": \(range(quartiles(ratios)))}}
        """
    }

    /// The row of the printed table.
    var line: String {
        left(name, 36) + left(metric, 12) + right(format(median(ours)), 9)
            + right(spread(ours), 17) + right(format(median(peer)), 10) + right(spread(peer), 17)
            + right(format(ratio, digits: 2), 7) + right(spread(shownRatios, digits: 2), 11) + "  "
            + unit
    }

    static func header(peer: String) -> String {
        "beside \(peer)\n" + left("case", 36) + left("metric", 12) + right("ours", 9)
            + right("min-max", 17) + right("peer", 10) + right("min-max", 17) + right("ratio", 7)
            + right("min-max", 11) + "  unit"
    }

    /// A quarter of the values are below the first number, a quarter above the second.
    private func quartiles(_ values: [Double]) -> [Double] {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return [] }
        return [sorted[(sorted.count - 1) / 4], sorted[(3 * (sorted.count - 1) + 3) / 4]]
    }

    private func range(_ values: [Double]) -> String {
        "[\(number(values.min() ?? .nan)), \(number(values.max() ?? .nan))]"
    }

    private func spread(_ values: [Double], digits: Int? = nil) -> String {
        guard values.count > 1 else { return "" }
        return [values.min() ?? 0, values.max() ?? 0].map { value in
            digits.map { format(value, digits: $0) } ?? format(value)
        }.joined(separator: "-")
    }
}

/// The middle value; the lower of the two middle ones of an even count.
func median(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.sorted()[(values.count - 1) / 2]
}

/// `value` as JSON, which has no infinities.
private func number(_ value: Double) -> String {
    value.isFinite ? format(value, digits: abs(value) < 100 ? 4 : 1) : "null"
}

/// `text` as a JSON string.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case _ where scalar.value < 0x20: result += " "
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
