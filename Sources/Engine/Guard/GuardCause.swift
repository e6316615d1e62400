// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Rollout

/// What was the matter with a model at a request: with which of its features, or what an error said.
///
/// Found on a loop, once per distinct cause, and known to the guard by a number (``CauseBook``).
struct GuardCause: Hashable, Sendable {
    /// A feature and what was the matter with it.
    struct Feature: Hashable, Sendable {
        /// "profile.visits"; "profile.*" is one of that set.
        let name: String
        /// The raw ``ValueStatus``.
        let status: UInt8
    }

    /// What kind of event it explains.
    let event: BadEvent
    /// Whether it was the model on trial.
    let isTrial: Bool
    /// The features that had no value of their own, up to ``CauseLimits/featuresMax``.
    var features: [Feature] = []
    /// What an error said.
    var error = ""
}

/// The bounds of what is known of causes.
enum CauseLimits {
    /// Causes of one rollout that have numbers, whatever they are; a number is a byte, and 0 is none.
    static let numbersMax = 255
    /// From so many on, a new set of features is known by its first feature set and status only.
    static let exactMax = 160
    /// From so many on, only errors get numbers.
    static let featuresNumbersMax = 224
    /// Features that one cause names.
    static let featuresMax = 64
    /// Features and errors of one model and event that are counted.
    static let rowsMax = 64
    /// Distinct causes that a loop remembers under one configuration.
    static let rememberedMax = 512
    /// Causes of one model and event that a reason names.
    static let namedMax = 3
}
