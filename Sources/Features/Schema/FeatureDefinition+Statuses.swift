// SPDX-License-Identifier: Apache-2.0

/// The feature's fallbacks, as the statuses that each applies to.
extension FeatureDefinition {
    /// The statuses in whose place the default stands.
    package var defaultedStatuses: StatusSet {
        guard defaultValue != nil else { return [] }
        var statuses: StatusSet =
            switch onMissing {
            case nil: [.noEntity, .noFeature, .expired]
            case .useDefault: [.noEntity, .noFeature, .expired, .null]
            case .use, .missing, .fail: []
            }
        if onStale == .useDefault { statuses.insert(.stale) }
        return statuses
    }

    /// The statuses with which there is no score.
    package var failingStatuses: StatusSet {
        var statuses: StatusSet =
            onMissing == .fail ? [.noEntity, .noFeature, .expired, .null, .invalid] : []
        if onStale == .fail { statuses.insert(.stale) }
        return statuses
    }

    /// Whether a model sees NaN for a stale value.
    package var hidesStale: Bool { onStale == .missing }
}
