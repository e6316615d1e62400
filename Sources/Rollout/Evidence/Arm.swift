// SPDX-License-Identifier: Apache-2.0

/// The two sides of a comparison.
@usableFromInline package enum Arm: Sendable {
    /// The model that has proved itself.
    case stable
    /// The model on trial.
    case canary
}

/// How many of something happened on each arm.
package struct ArmCounts: Equatable, Sendable {
    /// On the stable model.
    package var stable: UInt64 = 0
    /// On the canary.
    package var canary: UInt64 = 0

    /// None on either arm.
    package init() {}

    /// That many on each arm.
    package init(stable: UInt64, canary: UInt64) {
        self.stable = stable
        self.canary = canary
    }

    /// On both arms together.
    package var total: UInt64 { stable &+ canary }

    /// The count of one arm.
    package subscript(arm: Arm) -> UInt64 {
        get { arm == .canary ? canary : stable }
        set { if arm == .canary { canary = newValue } else { stable = newValue } }
    }
}
