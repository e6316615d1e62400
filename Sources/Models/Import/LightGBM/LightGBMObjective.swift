// SPDX-License-Identifier: Apache-2.0

/// The objectives of LightGBM and how each one's margins become its prediction.
enum LightGBMObjective {
    /// How the margins become the prediction: `words` are the file's, such as `binary sigmoid:1`.
    ///
    /// A file without an objective was trained with one that LightGBM does not know: its prediction
    /// is the margin.
    static func link(of words: [String]?, outputs: Int) throws(ImportError) -> Link {
        guard let words, let name = words.first else { return .identity }
        var scale = 1.0
        var isSquareRoot = false
        for word in words.dropFirst() {
            let parts = word.split(separator: ":")
            switch parts.first {
            case "sigmoid":
                guard parts.count == 2, let value = Double(parts[1]), value.isFinite, value > 0
                else { throw .field("objective", problem: "\(word) is not a positive number") }
                scale = value
            case "num_class":
                guard parts.count == 2, Int(parts[1]) == outputs else {
                    throw .field("objective", problem: "\(word) with \(outputs) outputs")
                }
            case "sqrt": isSquareRoot = true
            default: throw .unsupported("objective \(words.joined(separator: " "))")
            }
        }
        let isRegression = ["regression", "regression_l1", "quantile", "mape"].contains(name)
        guard !isSquareRoot || isRegression else {
            throw .unsupported("objective \(words.joined(separator: " "))")
        }
        let isMultiple = ["multiclass", "multiclassova"].contains(name)
        guard isMultiple == (outputs > 1) else {
            throw .field("objective", problem: "\(name) with \(outputs) outputs")
        }
        return switch name {
        case "regression", "regression_l1", "quantile", "mape":
            isSquareRoot ? .signedSquare : .identity
        case "huber", "fair", "lambdarank", "rank_xendcg": .identity
        case "poisson", "gamma", "tweedie": .exponential
        case "binary", "multiclassova": .scaledLogistic(scale)
        case "multiclass": .softmax
        case "cross_entropy": .logistic
        case "cross_entropy_lambda": .softplus
        default: throw .unsupported("objective \(words.joined(separator: " "))")
        }
    }
}
