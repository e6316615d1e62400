// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// What a loop tells the guard of one request of a scorer with an open rollout.
///
/// One event per request, about both models: what is dropped when a ring is full is dropped whole,
/// whichever model answered.
struct GuardEvent: BitwiseCopyable, Sendable {
    /// The number of the rollout.
    var rollout: UInt64
    /// The hash that has assigned the entity.
    var entity: UInt64
    /// When it happened, by the monotonic clock.
    var atNanoseconds: UInt64
    /// The canary's weight that was in force, in millionths.
    var weight: UInt32
    /// What went wrong with the model that the hash chose; of a shadowed request, with STABLE.
    var outcome = RequestOutcome()
    /// What went wrong with a shadow.
    var shadowOutcome = RequestOutcome()
    var marks: Marks
    /// The raw value of a breach of the contract; 0 without one.
    var violation: UInt8 = 0

    /// Whether it can speak against a candidate: all else makes evidence smaller.
    var mayDecide: Bool {
        violation != 0 || marks.contains(.decisionsDiffer)
            || !outcome.union(shadowOutcome).isEmpty
    }

    struct Marks: OptionSet, BitwiseCopyable, Sendable {
        let rawValue: UInt8

        /// The hash chose the canary.
        static let isCanary = Marks(rawValue: 1)
        /// The candidate answers nobody.
        static let isShadow = Marks(rawValue: 2)
        /// Both models have a score.
        static let isPair = Marks(rawValue: 4)
        /// They lie on different sides of the threshold.
        static let decisionsDiffer = Marks(rawValue: 8)
        /// A shadow has scored, or failed to.
        static let isShadowed = Marks(rawValue: 16)
    }
}
