// SPDX-License-Identifier: Apache-2.0

internal import API

/// What the server knows of a candidate, a line at a time, 80 columns wide.
enum EvidenceTable {
    private static let shortNames = [
        "errors": "err", "slo_misses": "slow", "fallbacks": "fall", "decision_flips": "flips",
        "paired_brier": "Brier", "calibration": "calib",
    ]

    /// The names of the columns; those of the evidence by kind as the server has them.
    static func header(_ guarded: KassaV1.GuardStatus) -> String {
        let kinds = guarded.components.map { shortNames[$0.name] ?? $0.name }
        return row("weight", ["answered", "both", "differ", "labels", "log E"], kinds)
    }

    /// How it stands: entities that the candidate answered, entities that both models scored, those
    /// that they decide differently, outcomes, and the evidence merged and by kind.
    static func line(_ rollout: KassaV1.Rollout, _ guarded: KassaV1.GuardStatus) -> String {
        let entities = guarded.counts.first { $0.name == "entities" }
        let answered = rollout.phase == .phaseShadow ? 0 : entities?.candidate ?? 0
        return row(
            weight(rollout),
            [
                count(answered), count(guarded.pairs), count(guarded.differingPairs),
                count(guarded.labels), log(guarded.logEvidence),
            ],
            guarded.components.map { log($0.logEvidence) })
    }

    /// `shadow`, or `5 %`.
    static func weight(_ rollout: KassaV1.Rollout) -> String {
        rollout.phase == .phaseShadow ? "shadow" : percent(rollout.weightPercent)
    }

    /// `5 %`, with a decimal only where it is needed.
    static func percent(_ percent: Double) -> String {
        let isWhole = percent == percent.rounded()
        return "\(Text.fixed(percent, digits: isWhole ? 0 : 2)) %"
    }

    private static func row(_ weight: String, _ cells: [String], _ kinds: [String]) -> String {
        "  " + Text.left(weight, 6)
            + zip(cells, [9, 7, 7, 7, 6]).map { Text.right($0, $1) }.joined()
            + kinds.map { Text.right($0, 6) }.joined()
    }

    /// What fits six columns: evidence for a candidate goes on falling.
    private static func log(_ value: Double) -> String {
        Text.fixed(value, digits: value.magnitude < 99.95 ? 1 : 0)
    }

    private static func count(_ value: UInt64) -> String { Text.count(Int(clamping: value)) }
}
