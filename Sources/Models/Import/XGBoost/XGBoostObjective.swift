// SPDX-License-Identifier: Apache-2.0

/// The objectives of XGBoost whose prediction is one number computed from the sum of the trees.
///
/// Everything else (several classes, ranking, survival, hinge, quantiles) is refused by its name.
enum XGBoostObjective {
    /// How the margin of a model trained for `name` becomes its prediction.
    static func link(of name: String) throws(ImportError) -> Link {
        switch name {
        case "binary:logistic", "reg:logistic": .logistic
        case "binary:logitraw", "reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror",
            "reg:pseudohubererror":
            .identity
        case "count:poisson", "reg:gamma", "reg:tweedie": .exponential
        default: throw .unsupported("objective \(name)")
        }
    }

    /// The margin that the trees' sum starts from, out of `base_score` as the file states it.
    ///
    /// The file states it in the space of predictions.
    static func baseMargin(objective name: String, score: Float) throws(ImportError) -> Float {
        let margin = try link(of: name).margin(ofScore: score)
        guard margin.isFinite else {
            throw .field("base_score", problem: "\(score) is not possible with \(name)")
        }
        return margin
    }
}
