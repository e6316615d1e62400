// SPDX-License-Identifier: Apache-2.0

/// A sum with one term per feature and output: regressions, XGBoost's gblinear, scorecards.
struct LinearModel {
    var featureCount = 0
    /// Empty if the file has none.
    var featureNames: [String] = []
    /// The categories of features that are texts, by feature.
    var featureCategories: [Int: [String]] = [:]
    var objective = ""
    var link = Link.identity
    var arithmetic = TreeEnsemble.Arithmetic.double
    /// The sums start from these; one per output.
    var baseMargins: [Double] = [0]
    /// One array per output, each with one term per feature.
    var terms: [[Term]] = []

    /// What one feature adds.
    enum Term {
        /// `weight x value`; a missing value adds `missing`.
        case weight(Double, missing: Double)
        /// The points of the first bin whose edge is above the value; one more bin than edges.
        case bins(edges: [Double], points: [Double], missing: Double)
        /// The points of a category by its code; `other` for a code without points.
        case categories(points: [Double], other: Double, missing: Double)

        /// What `value` adds, in float64.
        func contribution(of value: Double) -> Double {
            switch self {
            case .weight(let weight, let missing):
                return value.isNaN ? missing : weight * value
            case .bins(let edges, let points, let missing):
                if value.isNaN { return missing }
                var low = 0
                var high = edges.count
                while low < high {
                    let middle = (low + high) / 2
                    if value < edges[middle] { high = middle } else { low = middle + 1 }
                }
                return points[low]
            case .categories(let points, let other, let missing):
                if value.isNaN { return missing }
                guard let code = Int(exactly: value), points.indices.contains(code) else {
                    return other
                }
                return points[code]
            }
        }
    }

    /// Proves what the evaluator relies on.
    func verify() throws(ImportError) {
        guard featureCount > 0 else { throw .field("features", problem: "there are none") }
        guard featureCount <= ImportLimits.featuresMax else {
            throw .limit("features", max: ImportLimits.featuresMax)
        }
        guard featureNames.isEmpty || featureNames.count == featureCount else {
            throw .field(
                "feature_names",
                problem: "\(featureNames.count) names for \(featureCount) features")
        }
        guard !baseMargins.isEmpty, baseMargins.count <= ImportLimits.outputsMax else {
            throw .limit("outputs", max: ImportLimits.outputsMax)
        }
        guard baseMargins.allSatisfy(\.isFinite) else {
            throw .field("base_score", problem: "gives no finite margin")
        }
        guard terms.count == baseMargins.count,
            terms.allSatisfy({ $0.count == featureCount })
        else { throw .field("weights", problem: "do not fit the features and outputs") }
    }
}
