// SPDX-License-Identifier: Apache-2.0

/// The table with which the demo closes.
struct Summary: Hashable {
    /// Cells of a decile's bar.
    static let barWidth = 50

    var evaluation: LiveEvaluation
    /// `nil` if nothing was measured.
    var speed: Speed?

    /// The lines, 100 columns at most each.
    func rendered(_ ink: Ink = .plain) -> [String] {
        let rule = ink.paint(String(repeating: "─", count: Text.columns), .faint)
        var lines = [rule] + people(ink) + [""] + quality(ink)
        if !evaluation.deciles.isEmpty { lines += [""] + calibration(ink) }
        if let speed { lines += [""] + pace(speed, ink) }
        return lines + [rule]
    }

    private func row(_ label: String, _ value: String, _ note: String = "") -> String {
        let line = "  \(Text.left(label, 22))\(Text.right(value, 10))"
        return note.isEmpty ? line : "\(line)   \(note)"
    }

    private func people(_ ink: Ink) -> [String] {
        let share = evaluation.sessions == 0 ? 0 : evaluation.carts * 100 / evaluation.sessions
        return [
            ink.paint("  the shop", .strong),
            row("sessions", Text.count(evaluation.sessions)),
            row("filled a cart", Text.count(evaluation.carts), "\(share) % of the sessions"),
            row(
                "abandoned it", Text.count(evaluation.abandonedCarts),
                evaluation.abandonment.map { "\(Text.percent($0)) % of the carts" } ?? ""),
        ]
    }

    private func quality(_ ink: Ink) -> [String] {
        var lines = [
            ink.paint("  the model, against what came of it", .strong),
            row("scores", Text.count(evaluation.scores), "of sessions that have ended"),
            row(
                "AUC", evaluation.areaUnderCurve.map { Text.fixed($0, digits: 3) } ?? "–",
                "0.5 is a coin, 1 an oracle"),
            row("Brier score", evaluation.brierScore.map { Text.fixed($0, digits: 3) } ?? "–"),
        ]
        if evaluation.strangeScores > 0 {
            let count = Text.count(evaluation.strangeScores)
            lines.append(ink.paint(row("strange scores", count, "outside 0...1"), .alarmed))
        }
        return lines
    }

    private func calibration(_ ink: Ink) -> [String] {
        let header =
            "  decile    said    left      scores   share that left, ┃ where the scores said"
        return [ink.paint("  calibration", .strong), ink.paint(header, .faint)]
            + evaluation.deciles.enumerated().map { index, decile in
                let said = Text.right(Text.percent(decile.said), 5)
                let left = Text.right(Text.percent(decile.left), 5)
                return "  \(Text.right("\(index + 1)", 6)) \(said) % \(left) %"
                    + "\(Text.right(Text.count(decile.scores), 12))   \(bar(decile, ink))"
            }
    }

    private func bar(_ decile: LiveEvaluation.Decile, _ ink: Ink) -> String {
        let width = Summary.barWidth
        let filled = Text.cells(decile.left, width: width)
        let mark = min(Text.cells(decile.said, width: width), width - 1)
        let cells = (0..<width).map { $0 == mark ? "┃" : $0 < filled ? "▮" : "▯" }
        return ink.paint(cells.joined(), Ink.tone(of: decile.said))
    }

    private func pace(_ speed: Speed, _ ink: Ink) -> [String] {
        func latency(_ median: Double, _ percentile99: Double) -> String {
            "p50 \(duration(median))   p99 \(duration(percentile99))"
        }
        return [
            ink.paint("  the server, seen from here", .strong),
            row(
                "scores per second", Text.fixed(speed.scoresPerSecond, digits: 0),
                latency(speed.scoreMedianMicroseconds, speed.scorePercentile99Microseconds)),
            row(
                "writes per second", Text.fixed(speed.writesPerSecond, digits: 0),
                latency(speed.writeMedianMicroseconds, speed.writePercentile99Microseconds)),
        ]
    }

    /// `87 µs`, or `1.24 ms` from one millisecond on.
    private func duration(_ microseconds: Double) -> String {
        microseconds < 1_000
            ? "\(Text.fixed(microseconds, digits: 0)) µs"
            : "\(Text.fixed(microseconds / 1_000, digits: 2)) ms"
    }
}
