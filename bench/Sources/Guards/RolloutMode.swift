// SPDX-License-Identifier: Apache-2.0

import API

/// What the measured scorer has open meanwhile.
enum RolloutMode: CaseIterable {
    case none, shadow, canary50, canary5
    /// Nothing once more: how far apart two measurements of the same are.
    case again

    /// What a report calls it.
    var name: String {
        switch self {
        case .none: "no rollout"
        case .shadow: "shadow"
        case .canary50: "canary 50 %"
        case .canary5: "canary 5 %"
        case .again: "no rollout again"
        }
    }

    /// Opens it, for a model that was uploaded.
    func begin(_ data: SyntheticData, _ client: ControlClient) throws {
        switch self {
        case .none, .again: break
        case .shadow: try data.startShadow(client)
        case .canary50: try data.startCanary(percent: 50, client)
        case .canary5: try data.startCanary(percent: 5, client)
        }
    }

    /// Ends it; throws if the guard had ended it before, or saw nothing: then nothing was measured.
    func end(_ data: SyntheticData, _ client: ControlClient) throws {
        switch self {
        case .none, .again: return
        case .shadow: try data.expectRollout(.phaseShadow, client)
        case .canary50, .canary5: try data.expectRollout(.phaseCanary, client)
        }
        try data.endCanary(client)
    }
}
