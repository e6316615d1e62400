// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Metrics

/// What fell into the frozen bins of one scorer's model, in whatever slot it is, since it came in.
///
/// Each loop counts in cells of its own; the guard reads them at any time and takes differences.
final class DriftCounters: Sendable {
    let plan: DriftPlan
    let lanes: [Cells]

    init(_ plan: DriftPlan, loopCount: Int) {
        self.plan = plan
        lanes = (0..<loopCount).map { _ in Cells(count: plan.cellCount) }
    }

    /// The sums over the loops.
    var counts: [UInt64] {
        (0..<plan.cellCount).map { cell in
            lanes.reduce(0) { $0 &+ $1.value(at: cell) }
        }
    }
}

/// A model of a scorer: counters belong to it, not to the slot that it is in.
struct DriftKey: Hashable, Sendable {
    let scorer: String
    let digest: [UInt8]

    init(_ scorer: Scorer) {
        self.scorer = scorer.spec.name
        digest = scorer.model.bundleDigest
    }
}
