// SPDX-License-Identifier: Apache-2.0

/// How one scorer's rollout stands, as plain numbers for metrics.
package struct RolloutReading: Hashable, Sendable {
    /// A component of the evidence and its logarithm.
    package struct Evidence: Hashable, Sendable {
        /// The component, "slo_misses"; "merged" for what decides.
        package var component: String
        /// The natural logarithm of its e-value; 0 is no evidence.
        package var logValue: Double

        /// A component's evidence.
        package init(component: String, logValue: Double) {
            self.component = component
            self.logValue = logValue
        }
    }

    /// How far a feature has moved from its reference.
    package struct Drift: Hashable, Sendable {
        /// The feature, "session_behaviour@1.cart_value"; "score" for the score itself.
        package var feature: String
        /// The slot that saw it, "STABLE".
        package var slot: String
        /// The population stability index of the last whole window.
        package var psi: Double
        /// The index from which on it is an alarm, at that window's size.
        package var threshold: Double

        /// A feature's index.
        package init(feature: String, slot: String, psi: Double, threshold: Double) {
            self.feature = feature
            self.slot = slot
            self.psi = psi
            self.threshold = threshold
        }
    }

    /// The scorer.
    package var scorer: String
    /// The rollout's phase, "CANARY".
    package var phase: String
    /// Whether the evidence keeps the weight from rising.
    package var isFrozen: Bool
    /// The evidence, by component.
    package var evidence: [Evidence]
    /// The features that are watched, by slot.
    package var drift: [Drift]

    /// A reading.
    package init(
        scorer: String, phase: String, isFrozen: Bool = false, evidence: [Evidence] = [],
        drift: [Drift] = []
    ) {
        self.scorer = scorer
        self.phase = phase
        self.isFrozen = isFrozen
        self.evidence = evidence
        self.drift = drift
    }
}
