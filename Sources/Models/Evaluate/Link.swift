// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// How a margin (the sum over the trees) becomes a score.
package enum Link: Sendable, Equatable {
    /// The score is the margin.
    case identity
    /// The score is a probability, `1 / (1 + exp(-margin))`.
    case logistic
    /// The score is `exp(margin)`.
    case exponential

    /// The score of `margin`, in the operations and the precision of XGBoost's `common::Sigmoid`.
    ///
    /// The exponent is capped at 88.7 as there, so that the score of a very small margin is a tiny
    /// number and not zero.
    package func score(_ margin: Float) -> Float {
        switch self {
        case .identity: margin
        case .logistic: 1 / (expf(min(-margin, 88.7)) + 1)
        case .exponential: expf(margin)
        }
    }

    /// The margin at which the score is `score`; not finite outside the link's range.
    package func margin(ofScore score: Float) -> Float {
        switch self {
        case .identity: score
        case .logistic: -logf(1 / score - 1)
        case .exponential: logf(score)
        }
    }
}
