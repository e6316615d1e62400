// SPDX-License-Identifier: Apache-2.0

/// What becomes of a label that is known of a request that a guard has watched.
enum LabelFate: String, CaseIterable, Sendable {
    /// It was given to the evidence.
    case weighed
    /// It came after its maturity: the order of labels would no longer be that of their predictions.
    case late
    /// Its rollout is over, or decided.
    case ended
    /// One of the two models has not scored the request.
    case unpaired
}
