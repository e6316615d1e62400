// SPDX-License-Identifier: Apache-2.0

package import API

extension FeatureSetChange {
    /// The change as an entry of a plan.
    package var planEntry: KassaV1.PlanEntry {
        let action: KassaV1.PlanAction =
            switch action {
            case .add: .add
            case .change: .change
            case .unchanged: .unchanged
            case .remove: .remove
            }
        return KassaV1.PlanEntry(
            action: action, kind: "feature_set", name: "\(set.name)@\(version)", details: details,
            warnings: warnings, features: features.map(\.message))
    }
}

extension FeatureDifference {
    /// The difference as the API has it.
    package var message: KassaV1.FeatureChange {
        let action: KassaV1.PlanAction =
            switch action {
            case .added: .add
            case .changed: .change
            case .dropped: .remove
            }
        return KassaV1.FeatureChange(action: action, name: name, details: details)
    }
}
