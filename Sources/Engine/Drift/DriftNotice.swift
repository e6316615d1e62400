// SPDX-License-Identifier: Apache-2.0

internal import API

/// Something about drift that somebody should hear of.
///
/// Features of one model that begin, or end, in the same window are one notice, so that a pipeline that breaks
/// a thousand of them is told once.
package struct DriftNotice: Sendable {
    /// What it is about.
    package enum Kind: Sendable {
        /// STABLE's traffic has drifted: somebody must look.
        case shared
        /// Features or the score of one slot's model have.
        case features
        /// A rollout was paused for it.
        case paused
        /// A promotion was undone for it.
        case undone
    }

    /// What it is about.
    package let kind: Kind
    /// It began, or happened; otherwise it ended.
    package let isRaised: Bool
    /// The scorer.
    package let scorer: String
    /// The model, "abandonment@2"; empty if it is about none.
    package let model: String
    /// Why, in a sentence.
    package let reason: String
    /// The number that stands out most, and what it may be; nil where there is none.
    package let measured: (value: Double, tolerated: Double)?

    init(
        _ kind: Kind, isRaised: Bool = true, scorer: String, model: String = "", reason: String,
        measured: (value: Double, tolerated: Double)? = nil
    ) {
        self.kind = kind
        self.isRaised = isRaised
        self.scorer = scorer
        self.model = model
        self.reason = reason
        self.measured = measured
    }
}

extension DriftOrder {
    /// What is to be told of it at once.
    var notices: [DriftNotice] {
        var notices: [DriftNotice] = []
        if isShared != wasShared {
            notices.append(
                DriftNotice(
                    .shared, isRaised: isShared, scorer: scorer,
                    reason: isShared ? reason : "STABLE's traffic is as it should be again"))
        }
        for slot in [KassaV1.Slot.stable, .canary, .shadow] {
            for isRaised in [true, false] {
                let those = alarms.filter { $0.slot == slot && $0.raised == isRaised }
                guard let worst = those.max(by: { $0.excess < $1.excess }) else { continue }
                let others = those.count > 1 ? "; and \(those.count - 1) more" : ""
                notices.append(
                    DriftNotice(
                        .features, isRaised: isRaised, scorer: scorer, model: worst.model,
                        reason: worst.line + others, measured: (worst.measured, worst.tolerated)))
            }
        }
        return notices
    }
}

extension KassaV1.DriftAlarm {
    /// How many times what is tolerated was measured.
    fileprivate var excess: Double {
        tolerated > 0 && tolerated.isFinite ? measured / tolerated : 0
    }
}
