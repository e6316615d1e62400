// SPDX-License-Identifier: Apache-2.0

/// What a file of ONNX says, as far as it matters here: names and numbers, not yet judged.
struct ONNXModel {
    /// The version of each set of operators; the usual one has no name.
    var opsets: [String: Int] = [:]
    var nodes: [Node] = []
    var initializers: [String: Tensor] = [:]
    var inputs: [Input] = []
    var outputs: [String] = []

    /// One operator.
    struct Node {
        var op = ""
        var domain = ""
        var inputs: [String] = []
        var outputs: [String] = []
        var attributes: [String: Attribute] = [:]
    }

    /// A parameter of an operator; which member holds it is up to the operator.
    struct Attribute {
        var float: Float?
        var int: Int?
        var string: String?
        var floats: [Float] = []
        var ints: [Int64] = []
        var strings: [String] = []
        var tensor: Tensor?
    }

    /// A constant.
    struct Tensor {
        var name = ""
        var shape: [Int] = []
        var type = 0
        var floats: [Float] = []
        var ints: [Int64] = []
        var strings: [String] = []
    }

    /// A declared input.
    struct Input {
        var name = ""
        var type = 0
        /// nil for a dimension that is not fixed; nil as a whole if there is no shape.
        var shape: [Int?]?
    }

    /// Element types of ONNX.
    enum ElementType {
        static let float = 1
        static let int32 = 6
        static let int64 = 7
        static let string = 8
        static let bool = 9
        static let double = 11
    }
}
