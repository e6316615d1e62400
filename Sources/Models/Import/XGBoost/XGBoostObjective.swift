// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The objectives of XGBoost and how each one's margins become its prediction.
///
/// What is not listed is refused by its name.
enum XGBoostObjective {
    /// How the margins of a model trained for `name` become its prediction.
    static func link(of name: String) throws(ImportError) -> Link {
        switch name {
        case "binary:logistic", "reg:logistic": .logistic
        case "binary:logitraw", "reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror",
            "reg:pseudohubererror", "reg:quantileerror", "rank:pairwise", "rank:ndcg", "rank:map",
            // The name of reg:squarederror in files of before 1.0.
            "reg:linear":
            .identity
        case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
            .exponential
        case "binary:hinge": .step
        case "multi:softprob": .softmax
        case "multi:softmax": .largestIndex
        default: throw .unsupported("objective \(name)")
        }
    }

    /// The margin that the trees' sum starts from, out of `base_score` as the file states it.
    ///
    /// The file states it in the space of predictions, except where that is no single number.
    static func baseMargin(objective name: String, score: Float) throws(ImportError) -> Float {
        let margin: Float =
            switch try link(of: name) {
            case .logistic: -logf(1 / score - 1)
            case .exponential: logf(score)
            default: score
            }
        guard margin.isFinite else {
            throw .field("base_score", problem: "\(score) is not possible with \(name)")
        }
        return margin
    }
}
