// SPDX-License-Identifier: Apache-2.0

/// The bounds of a rollout.
package enum RolloutLimits {
    /// Steps that one rollout declares.
    package static let stepsMax = 20
    /// How long the model before a promotion stays in PREVIOUS, to be put back: a day.
    package static let previousSeconds = 86_400
}
