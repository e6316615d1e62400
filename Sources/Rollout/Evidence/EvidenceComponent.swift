// SPDX-License-Identifier: Apache-2.0

/// The six kinds of evidence against a canary, in the order in which they are merged and stored.
package enum EvidenceComponent: Int, CaseIterable, Sendable {
    /// More errors than on the stable model, beyond the tolerated relative risk.
    case errors
    /// More misses of the latency objective.
    case sloMisses
    /// More fallbacks.
    case fallbacks
    /// Decisions that differ from the stable model's more often than was declared.
    case decisionFlips
    /// Worse probabilities than the stable model's, on the same outcomes.
    case pairedBrier
    /// Probabilities that are too high or too low, where the stable model's are not.
    case calibration

    /// All of them, without the array that `allCases` makes.
    static let inOrder: [6 of EvidenceComponent] = [
        .errors, .sloMisses, .fallbacks, .decisionFlips, .pairedBrier, .calibration,
    ]

    /// The component that weighs this kind of bad event.
    package init(_ event: BadEvent) {
        switch event {
        case .error: self = .errors
        case .sloMiss: self = .sloMisses
        case .fallback: self = .fallbacks
        }
    }
}
