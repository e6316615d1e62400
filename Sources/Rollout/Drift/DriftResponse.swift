// SPDX-License-Identifier: Apache-2.0

/// What a drift alarm does: only what can be the model's fault may touch the model.
package struct DriftPolicy: Equatable, Sendable {
    /// What a shift that both slots see does.
    package enum SharedDrift: Sendable {
        /// Page, and freeze promotions.
        case page
        /// The same, and undo a promotion if the alarm began within its bake time.
        case rollback
    }

    /// What a shift that both slots see does.
    package var onSharedDrift = SharedDrift.page
    /// For how long after a promotion a shift may be the promotion's.
    package var bakeMilliseconds: UInt64 = 86_400_000

    /// Page, and a bake time of 24 hours.
    package init() {}

    /// What to do about the alarms of both slots.
    ///
    /// - Parameters:
    ///   - stable: whether the stable slot's watch has an alarm.
    ///   - canary: whether the canary's has; nil if there is no canary.
    ///   - alarmAfterPromotionMilliseconds: how long after the last promotion the alarm began; nil if there was
    ///     none, or it began before.
    package func response(
        stable: Bool, canary: Bool?, alarmAfterPromotionMilliseconds: UInt64?
    ) -> DriftResponse {
        switch DriftAttribution(stable: stable, canary: canary) {
        case .none: return .none
        case .canary: return .freeze
        case .shared:
            guard onSharedDrift == .rollback, let age = alarmAfterPromotionMilliseconds,
                age <= bakeMilliseconds
            else { return .pageAndFreeze }
            return .undo
        }
    }
}

/// Whose drift it is.
package enum DriftAttribution: Equatable, Sendable {
    /// Nobody's.
    case none
    /// The canary's alone, on the same traffic: what it does differently is evidence.
    case canary
    /// The world's or a pipeline's: the stable slot sees it too.
    case shared

    /// Compares the two slots' alarms; what the stable slot sees is not the canary's fault.
    package init(stable: Bool, canary: Bool?) {
        self = stable ? .shared : canary == true ? .canary : .none
    }
}

/// What to do about drift.
package enum DriftResponse: Equatable, Sendable {
    /// Nothing.
    case none
    /// Do not raise the canary's weight; its flips, losses and fallbacks are weighed by ``Evidence``.
    case freeze
    /// Call somebody, and promote nothing until they have looked.
    case pageAndFreeze
    /// Page, and go back to the previous model.
    case undo
}
