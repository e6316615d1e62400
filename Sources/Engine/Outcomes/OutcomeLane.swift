// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// A scorer as recorded scores know it.
struct OutcomeLane: Sendable {
    let name: String
    /// The hash of the name, with which the ids of its scores begin.
    let number: UInt32
    let policy: OutcomePolicy
}

extension OutcomeLane {
    init(_ spec: KassaV1.ScorerSpec) {
        name = spec.name
        number = ScoreID.lane(of: spec.name.utf8Span.span)
        // Checked when the document was applied.
        policy = OutcomePolicy(spec.outcomes) ?? OutcomePolicy.standard
    }
}

extension OutcomePolicy {
    /// The policy of a document; nil if its durations are not as ``OutcomePolicy`` wants them.
    init?(_ spec: KassaV1.OutcomeSpec?) {
        guard let spec else {
            self = .standard
            return
        }
        guard let absent = Absent(rawValue: UInt8(clamping: spec.absent.rawValue)) else {
            return nil
        }
        self.init(
            maturityMilliseconds: spec.maturityMs, horizonMilliseconds: spec.horizonMs,
            absent: absent)
    }
}
