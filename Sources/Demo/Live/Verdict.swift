// SPDX-License-Identifier: Apache-2.0

/// What the demo demands of a run before it calls it good.
enum Verdict {
    /// Below it the model served is not the model trained.
    static let areaUnderCurveMin = 0.75
    /// Above it something is broken, however slow the machine.
    static let scoreMedianMicrosecondsMax = 20_000.0

    /// Why the run is no good; empty if it is.
    static func complaints(about summary: Summary) -> [String] {
        var complaints: [String] = []
        if let area = summary.evaluation.areaUnderCurve {
            if area < areaUnderCurveMin {
                complaints.append(
                    "the AUC is \(Text.fixed(area, digits: 3)), below "
                        + Text.fixed(areaUnderCurveMin, digits: 2))
            }
        } else {
            complaints.append("too few sessions ended to judge the scores")
        }
        if summary.evaluation.strangeScores > 0 {
            complaints.append("\(summary.evaluation.strangeScores) scores were outside 0...1")
        }
        if let speed = summary.speed, speed.scoreMedianMicroseconds > scoreMedianMicrosecondsMax {
            complaints.append(
                "half of the scores took longer than "
                    + "\(Text.fixed(scoreMedianMicrosecondsMax / 1_000, digits: 0)) ms")
        }
        return complaints
    }
}
