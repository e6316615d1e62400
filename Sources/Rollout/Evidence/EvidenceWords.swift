// SPDX-License-Identifier: Apache-2.0

// What the values of evidence are called in records, metrics and replies.

extension EvidenceComponent {
    /// "decision_flips".
    package var name: String {
        switch self {
        case .errors: "errors"
        case .sloMisses: "slo_misses"
        case .fallbacks: "fallbacks"
        case .decisionFlips: "decision_flips"
        case .pairedBrier: "paired_brier"
        case .calibration: "calibration"
        }
    }
}

extension EvidenceVerdict {
    /// "ROLLBACK".
    package var name: String {
        switch self {
        case .within: "WITHIN"
        case .freeze: "FREEZE"
        case .pause: "PAUSE"
        case .rollback: "ROLLBACK"
        }
    }

    /// Whether the candidate goes.
    package var isRollback: Bool {
        if case .rollback = self { return true }
        return false
    }
}

extension ContractViolation {
    /// What the model did, in words.
    package var words: String {
        switch self {
        case .nonFiniteScore: "non-finite score"
        case .scoreOutOfRange: "score out of its range"
        case .schemaMismatch: "schema mismatch"
        case .goldenRowFailed: "golden row failed"
        }
    }
}

extension HoldReasons {
    /// The reasons by name, "dwell".
    package var names: [String] {
        let all: [(HoldReasons, String)] = [
            (.errors, "errors"), (.sloMisses, "slo_misses"), (.fallbacks, "fallbacks"),
            (.decisionFlips, "decision_flips"), (.pairs, "pairs"), (.evidence, "evidence"),
            (.dwell, "dwell"), (.entities, "entities"), (.noStep, "no_step"),
            (.drift, "drift"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

extension Evidence {
    /// The canary's share of entities, of which the next events are.
    package var share: Double { counts.shares[shareIndex].share }

    /// The evidence at which the canary goes, as a natural logarithm.
    package var logThreshold: Double { -Logarithm.natural(rule.alpha) }

    /// The component that speaks loudest, with its weight.
    package var leadingComponent: EvidenceComponent {
        var leading = EvidenceComponent.errors
        var loudest = -Double.infinity
        for component in EvidenceComponent.allCases {
            let log =
                logEvidence(of: component) + Logarithm.natural(rule.weights[component.rawValue])
            if log > loudest { (leading, loudest) = (component, log) }
        }
        return leading
    }

    /// The evidence from which its weight may not rise, as a natural logarithm.
    package var logFreeze: Double { Logarithm.natural(rule.freezeAt) }
}
