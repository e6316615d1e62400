// SPDX-License-Identifier: Apache-2.0

/// A static graph compiled for one row: steps over one array of numbers.
///
/// The row is copied to the array's start, each step reads and writes places that the builder laid
/// out, and the result lies at `results`.
struct Graph {
    var inputs: [ModelInput] = []
    var output = ModelOutput(kind: .value, count: 1)
    var steps: [Step] = []
    var constants: [Float] = []
    var forests: [ForestEvaluator] = []
    /// Numbers of the array.
    var size = 0
    /// Where the predictions are.
    var results: Range<Int> = 0..<0

    /// A run of numbers in the array or among the constants.
    struct Operand {
        var isConstant: Bool
        var start: Int
        /// 1 stands for as many as are asked for.
        var count: Int
    }

    /// One operation; places are in the array, `constants` places are said so.
    enum Step {
        case binary(Arithmetic, Operand, Operand, to: Int, count: Int)
        case unary(Function, from: Int, to: Int, count: Int)
        case copy(from: Int, to: Int, count: Int)
        /// `weights` is a constant of `count x results`, row by row.
        case multiply(from: Int, count: Int, weights: Int, to: Int, results: Int)
        /// Replaces `replaced` (or NaN) by the constant of the same place.
        case impute(from: Int, to: Int, count: Int, replaced: Float, values: Operand)
        /// One number becomes `count`: 1 where it equals the constant, else 0.
        case oneHot(from: Int, keys: Int, count: Int, to: Int, refusesUnknown: Bool)
        /// The constant in `values` at the place where `keys` has the number.
        case lookup(from: Int, keys: Int, values: Int, count: Int, to: Int, otherwise: Float)
        case normalize(Norm, from: Int, to: Int, count: Int)
        case softmax(from: Int, to: Int, count: Int)
        case largestIndex(from: Int, to: Int, count: Int)
        case forest(Int, from: Int, count: Int, to: Int, results: Int)
    }

    enum Arithmetic {
        case add, subtract, multiply, divide
    }

    enum Function {
        case relu, tanh, sigmoid, exponential, logarithm, negate, absolute, root
        /// 1 - x and -x stand for the other one of two classes.
        case complement
        case binarize(Float)
        /// To a whole number, toward zero.
        case truncate
    }

    enum Norm {
        case largest, sum, length
    }
}
