// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// What a loop tells the guard of one watched request.
///
/// One event per request, about both models: what is dropped when a ring is full is dropped whole,
/// whichever model answered.
struct GuardEvent: BitwiseCopyable, Sendable {
    /// The number of the rollout.
    var rollout: UInt64
    /// The hash that has assigned the entity.
    var entity: UInt64
    /// When it happened, by the monotonic clock.
    var atNanoseconds: UInt64 = 0
    /// The share that was in force, in millionths.
    var weight: UInt32
    /// What a score took that missed its objective: that of the model on trial, if it was one of the two.
    var slowMicroseconds: UInt32 = 0
    var mode: WatchMode
    /// What went wrong with the model on trial, if it had the request.
    var trial = RequestOutcome()
    /// What went wrong with the model that it is compared with, if it had the request.
    var reference = RequestOutcome()
    var marks = Marks()
    /// The raw value of a breach of the contract; 0 without one.
    var violation: UInt8 = 0
    /// The numbers of what was the matter, in the ``CauseBook``; 0 where nothing was, or there is no number.
    var trialCause: UInt8 = 0
    var referenceCause: UInt8 = 0

    /// Whether it is likely to decide something: all else makes evidence smaller, but for arrivals, which feed the
    /// test of the split and can wait for the next turn.
    var mayDecide: Bool {
        violation != 0 || marks.contains(.decisionsDiffer)
            || !trial.union(reference).isEmpty
    }

    struct Marks: OptionSet, BitwiseCopyable, Sendable {
        let rawValue: UInt8

        /// The model on trial was to answer.
        static let isTrial = Marks(rawValue: 1)
        /// Both models have a score.
        static let isPair = Marks(rawValue: 2)
        /// They lie on different sides of the threshold.
        static let decisionsDiffer = Marks(rawValue: 4)
        /// Both models had the request: of both it is known what went wrong.
        static let isCompared = Marks(rawValue: 8)
    }

    /// Notes why something went wrong with one of the two models.
    mutating func setCause(_ number: UInt8, ofTrial isTrial: Bool) {
        if isTrial { trialCause = number } else { referenceCause = number }
    }

    /// Notes that a score took so long that it missed its objective.
    mutating func missed(nanoseconds: UInt64, ofTrial isTrial: Bool) {
        insert(.sloMiss, ofTrial: isTrial)
        slowMicroseconds = UInt32(clamping: nanoseconds / 1_000)
    }

    /// Notes what went wrong with one of the two models.
    mutating func insert(_ outcome: RequestOutcome, ofTrial isTrial: Bool) {
        if isTrial { trial.insert(outcome) } else { reference.insert(outcome) }
    }
}
