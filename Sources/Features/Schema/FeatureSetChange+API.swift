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
            }
        return KassaV1.PlanEntry(
            action: action, kind: "feature_set", name: "\(set.name)@\(version)", details: details)
    }
}
