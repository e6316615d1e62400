// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Glibc

/// Makes a probability of a model's number, as it was fitted after training.
///
/// Verified when it is made; applying it takes no lock and allocates nothing.
enum ScoreCalibration: Sendable {
    case none
    /// `1 / (1 + exp(a x + b))`: Platt, "Probabilistic outputs for support vector machines", 1999.
    case platt(a: Double, b: Double)
    /// Straight lines between points, flat outside of them; `x` strictly ascends, `y` does not descend.
    case isotonic(x: [Double], y: [Double])

    /// The calibration that a spec names, checked; `field` is its place there.
    init(_ spec: KassaV1.Calibration?, at field: String) throws(EngineError) {
        switch spec?.method {
        case nil where spec == nil: self = .none
        case nil:
            throw EngineError(.invalidArgument, "\(field): must be platt or isotonic")
        case .platt(let platt):
            guard platt.a.isFinite, platt.b.isFinite, platt.a != 0 else {
                throw EngineError(
                    .invalidArgument, "\(field).platt: a and b must be finite, and a not 0")
            }
            self = .platt(a: platt.a, b: platt.b)
        case .isotonic(let points):
            try Self.check(points, at: "\(field).isotonic")
            self = .isotonic(x: points.x, y: points.y)
        }
    }

    private static func check(
        _ points: KassaV1.IsotonicCalibration, at field: String
    ) throws(EngineError) {
        let countMax = BundleLimits.isotonicPointsMax
        guard (2...countMax).contains(points.x.count), points.y.count == points.x.count else {
            throw EngineError(
                .invalidArgument, "\(field): must have 2 to \(countMax) points, as many x as y")
        }
        let isAscending = zip(points.x, points.x.dropFirst()).allSatisfy { $0 < $1 }
        let span = points.x[points.x.count - 1] - points.x[0]
        guard isAscending, span.isFinite else {
            throw EngineError(
                .invalidArgument, "\(field).x: must ascend strictly and be finite")
        }
        let isMonotone = zip(points.y, points.y.dropFirst()).allSatisfy { $0 <= $1 }
        guard isMonotone, points.y.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
            throw EngineError(
                .invalidArgument, "\(field).y: must not descend and lie within 0 and 1")
        }
    }

    /// The calibrated number.
    ///
    /// - Complexity: O(log points); allocates nothing.
    func apply(_ value: Double) -> Double {
        switch self {
        case .none: value
        case .platt(let a, let b): 1 / (1 + exp(a * value + b))
        case .isotonic(let x, let y): Self.interpolate(value, x, y)
        }
    }

    private static func interpolate(_ value: Double, _ x: [Double], _ y: [Double]) -> Double {
        var low = 0
        var high = x.count - 1
        // Written so that a NaN ends up at the first point instead of between two.
        guard value > x[low] else { return y[low] }
        guard value < x[high] else { return y[high] }
        while high - low > 1 {
            let middle = (low + high) / 2
            if value < x[middle] { high = middle } else { low = middle }
        }
        return y[low] + (y[high] - y[low]) * ((value - x[low]) / (x[high] - x[low]))
    }
}
