// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// How margins (the sums over the trees, one per output) become the official prediction.
package enum Link: Sendable, Equatable {
    /// Each prediction is its margin.
    case identity
    /// Each is a probability, `1 / (1 + exp(-margin))`.
    case logistic
    /// As `logistic`, of `scale x margin`; with several outputs each on its own.
    case scaledLogistic(Double)
    /// Each is `exp(margin)`.
    case exponential
    /// Each is `log(1 + exp(margin))`.
    case softplus
    /// Each is the margin's square with the margin's sign.
    case signedSquare
    /// Each is 1 if the margin is above zero, else 0.
    case step
    /// The probabilities of classes, which sum to 1.
    case softmax
    /// One prediction: the number of the class with the largest margin, the first of equals.
    case largestIndex

    /// Predictions that `margins` margins give.
    func predictionCount(margins: Int) -> Int {
        self == .largestIndex ? 1 : margins
    }

    /// Predicts in the operations and the precision of `arithmetic`'s library.
    ///
    /// `predictions` may be no shorter than `predictionCount`.
    func predict(
        _ margins: Span<Double>, _ arithmetic: TreeEnsemble.Arithmetic,
        into predictions: inout MutableSpan<Double>
    ) {
        switch self {
        case .softmax:
            if arithmetic == .single {
                softmax32(margins, into: &predictions)
            } else {
                softmax64(margins, into: &predictions)
            }
        case .largestIndex:
            var best = 0
            for index in margins.indices where margins[index] > margins[best] { best = index }
            predictions[0] = Double(best)
        default:
            for index in margins.indices {
                predictions[index] =
                    arithmetic == .single
                    ? Double(score(Float(margins[index]))) : score(margins[index])
            }
        }
    }

    /// The score of one margin in float32, as XGBoost's `common::Sigmoid` and kin compute it.
    ///
    /// The exponent is capped at 88.7 as there, so that the score of a very small margin is a tiny
    /// number and not zero. A link of several margins at once gives the margin itself.
    package func score(_ margin: Float) -> Float {
        switch self {
        case .identity, .softmax, .largestIndex: margin
        case .logistic: 1 / (expf(min(-margin, 88.7)) + 1)
        case .exponential: expf(margin)
        case .step: margin > 0 ? 1 : 0
        case .scaledLogistic, .softplus, .signedSquare: Float(score(Double(margin)))
        }
    }

    /// The score of one margin in float64, as LightGBM's `ConvertOutput` computes it.
    func score(_ margin: Double) -> Double {
        switch self {
        case .identity, .softmax, .largestIndex: margin
        case .logistic: 1 / (1 + exp(-margin))
        case .scaledLogistic(let scale): 1 / (1 + exp(-scale * margin))
        case .exponential: exp(margin)
        case .softplus: log1p(exp(margin))
        case .signedSquare: margin < 0 ? -(margin * margin) : margin * margin
        case .step: margin > 0 ? 1 : 0
        }
    }

    /// XGBoost's `common::Softmax`: float32 but for the sum.
    private func softmax32(_ margins: Span<Double>, into scores: inout MutableSpan<Double>) {
        var largest = Float(margins[0])
        for index in margins.indices { largest = max(largest, Float(margins[index])) }
        var sum = 0.0
        for index in margins.indices {
            let power = expf(Float(margins[index]) - largest)
            scores[index] = Double(power)
            sum += Double(power)
        }
        for index in margins.indices {
            scores[index] = Double(Float(scores[index]) / Float(sum))
        }
    }

    /// LightGBM's `Common::Softmax`.
    private func softmax64(_ margins: Span<Double>, into scores: inout MutableSpan<Double>) {
        var largest = margins[0]
        for index in margins.indices { largest = max(largest, margins[index]) }
        var sum = 0.0
        for index in margins.indices {
            scores[index] = exp(margins[index] - largest)
            sum += scores[index]
        }
        for index in margins.indices { scores[index] /= sum }
    }
}
