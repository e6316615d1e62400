// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

/// Expects the official margins and scores, to the bit.
///
/// The margin is a sum of the same float32 numbers in the same order, the score the same operations
/// on it; a difference of one ulp would be a difference in kind.
func expectOfficialAnswers(_ official: OfficialCase) throws {
    let model = try importModel(official.bytes("model.json"))
    let rows = try official.rows()
    let answers = try official.answers()
    try #require(rows.count == answers.count && !rows.isEmpty)
    var marginUlps = 0
    var scoreUlps = 0
    for (row, answer) in zip(rows, answers) {
        try #require(row.count == model.summary.featureCount)
        let margin = model.margin(ofRow: row)
        marginUlps = max(marginUlps, ulps(margin, answer.margin))
        scoreUlps = max(scoreUlps, ulps(model.score(margin: margin), answer.prediction))
    }
    #expect(marginUlps == 0, "\(official): largest difference of a margin in ulps")
    #expect(scoreUlps == 0, "\(official): largest difference of a score in ulps")
}

/// How many float32 numbers lie between two.
private func ulps(_ one: Float, _ other: Float) -> Int {
    // Sign and magnitude, laid on a line on which neighbours differ by one.
    func place(_ value: Float) -> Int {
        let bits = Int(value.bitPattern & 0x7FFF_FFFF)
        return value.sign == .minus ? -bits : bits
    }
    return abs(place(one) - place(other))
}
