// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Reads the protobuf of a model (`onnx/onnx.proto`), field by field and without trust.
struct ONNXReader {
    private var model = ONNXModel()
    /// Numbers and texts kept so far.
    private var elementCount = 0

    /// The model in `bytes`.
    static func read(_ bytes: Span<UInt8>) throws(ImportError) -> ONNXModel {
        var reader = ONNXReader()
        var wire = WireReader(bytes)
        var hasGraph = false
        while let tag = try wire.nextField() {
            switch tag.field {
            case 7:
                guard !hasGraph else { throw .field("graph", problem: "appears twice") }
                hasGraph = true
                try reader.readGraph(wire.message())
            case 8: try reader.readOpset(wire.message())
            case 20, 25:
                throw .unsupported(tag.field == 20 ? "training information" : "a function")
            default: try wire.pass(tag)
            }
        }
        guard hasGraph else {
            throw .field("graph", problem: "is missing: is this a model of ONNX?")
        }
        return reader.model
    }

    private mutating func readOpset(_ message: WireReader) throws(ImportError) {
        var wire = message
        var domain = ""
        var version = 0
        while let tag = try wire.nextField() {
            switch tag.field {
            case 1: domain = try wire.name()
            case 2: version = try wire.integer()
            default: try wire.pass(tag)
            }
        }
        try count(1)
        model.opsets[domain == "ai.onnx" ? "" : domain] = version
    }

    private mutating func readGraph(_ message: WireReader) throws(ImportError) {
        var wire = message
        while let tag = try wire.nextField() {
            switch tag.field {
            case 1:
                guard model.nodes.count < ImportLimits.graphNodesMax else {
                    throw .limit("operators", max: ImportLimits.graphNodesMax)
                }
                model.nodes.append(try readNode(wire.message()))
            case 5:
                let tensor = try readTensor(wire.message())
                guard model.initializers.updateValue(tensor, forKey: tensor.name) == nil else {
                    throw .field("initializer", problem: "\(tensor.name) appears twice")
                }
                try count(1)
            case 11:
                guard model.inputs.count < ImportLimits.featuresMax else {
                    throw .limit("features", max: ImportLimits.featuresMax)
                }
                model.inputs.append(try readInput(wire.message()))
            case 12:
                guard model.outputs.count < ImportLimits.outputsMax else {
                    throw .limit("outputs", max: ImportLimits.outputsMax)
                }
                model.outputs.append(try readInput(wire.message()).name)
            case 15: throw .unsupported("a sparse initializer")
            default: try wire.pass(tag)
            }
        }
    }

    private mutating func readNode(_ message: WireReader) throws(ImportError) -> ONNXModel.Node {
        var wire = message
        var node = ONNXModel.Node()
        while let tag = try wire.nextField() {
            switch tag.field {
            case 1, 2:
                try count(1)
                let name = try wire.name()
                if tag.field == 1 { node.inputs.append(name) } else { node.outputs.append(name) }
            case 4: node.op = try wire.name()
            case 5:
                let (name, attribute) = try readAttribute(wire.message())
                guard node.attributes.updateValue(attribute, forKey: name) == nil else {
                    throw .field(node.op, problem: "the attribute \(name) appears twice")
                }
                try count(1)
            case 7: node.domain = try wire.name()
            default: try wire.pass(tag)
            }
        }
        return node
    }

    private mutating func readAttribute(
        _ message: WireReader
    ) throws(ImportError) -> (String, ONNXModel.Attribute) {
        var wire = message
        var name = ""
        var attribute = ONNXModel.Attribute()
        while let tag = try wire.nextField() {
            switch tag.field {
            case 1: name = try wire.name()
            case 2: attribute.float = try wire.single()
            case 3: attribute.int = try wire.integer()
            case 4: attribute.string = try wire.name()
            case 5: attribute.tensor = try readTensor(wire.message())
            case 7: try count(wire.floats(tag, into: &attribute.floats))
            case 8: try count(wire.integers(tag, into: &attribute.ints))
            case 9:
                try count(1)
                attribute.strings.append(try wire.name())
            case 6, 11: throw .unsupported("a graph inside an operator")
            default: try wire.pass(tag)
            }
        }
        return (name, attribute)
    }

    private mutating func readTensor(
        _ message: WireReader
    ) throws(ImportError) -> ONNXModel.Tensor {
        var wire = message
        var tensor = ONNXModel.Tensor()
        var dimensions: [Int64] = []
        var raw: Span<UInt8>?
        while let tag = try wire.nextField() {
            switch tag.field {
            case 1: try count(wire.integers(tag, into: &dimensions))
            case 2: tensor.type = try wire.integer()
            case 4: try count(wire.floats(tag, into: &tensor.floats))
            case 5, 7: try count(wire.integers(tag, into: &tensor.ints))
            case 6:
                try count(1)
                tensor.strings.append(try wire.name())
            case 8: tensor.name = try wire.name()
            case 9: raw = try wire.blob()
            case 13, 14: throw .unsupported("a tensor outside the file (\(tensor.name))")
            default: try wire.pass(tag)
            }
        }
        if let raw { try addRaw(raw, to: &tensor) }
        var size = 1
        for dimension in dimensions {
            guard dimension >= 0, dimension <= Int64(ImportLimits.graphConstantsMax) else {
                throw .field(tensor.name, problem: "a dimension of \(dimension)")
            }
            tensor.shape.append(Int(dimension))
            size = size.multipliedReportingOverflow(by: Int(dimension)).partialValue
            guard size >= 0, size <= ImportLimits.graphConstantsMax else {
                throw .limit("constants", max: ImportLimits.graphConstantsMax)
            }
        }
        let stored = max(tensor.floats.count, tensor.ints.count, tensor.strings.count)
        guard stored == size else {
            throw .field(tensor.name, problem: "has \(stored) elements, its shape asks for \(size)")
        }
        guard tensor.floats.allSatisfy(\.isFinite) else {
            throw .field(tensor.name, problem: "holds a number that is not finite")
        }
        return tensor
    }

    /// Elements as they lie in memory, little-endian.
    private mutating func addRaw(
        _ raw: Span<UInt8>, to tensor: inout ONNXModel.Tensor
    ) throws(ImportError) {
        let width =
            switch tensor.type {
            case ONNXModel.ElementType.float, ONNXModel.ElementType.int32: 4
            case ONNXModel.ElementType.int64: 8
            default:
                throw ImportError.unsupported("a tensor of type \(tensor.type) (\(tensor.name))")
            }
        guard raw.count % width == 0 else {
            throw .field(tensor.name, problem: "ends within an element")
        }
        try count(raw.count / width)
        for start in stride(from: 0, to: raw.count, by: width) {
            switch tensor.type {
            case ONNXModel.ElementType.float:
                tensor.floats.append(Float(bitPattern: raw.loadUInt32(at: start)))
            case ONNXModel.ElementType.int32:
                tensor.ints.append(Int64(Int32(bitPattern: raw.loadUInt32(at: start))))
            default: tensor.ints.append(Int64(bitPattern: raw.loadUInt64(at: start)))
            }
        }
    }

    /// `ValueInfoProto`: a name, an element type and a shape.
    private mutating func readInput(
        _ message: WireReader
    ) throws(ImportError) -> ONNXModel.Input {
        var wire = message
        var input = ONNXModel.Input()
        while let tag = try wire.nextField() {
            switch tag.field {
            case 1: input.name = try wire.name()
            case 2:
                var type = try wire.message()
                while let tag = try type.nextField() {
                    if tag.field == 1 {
                        try readTensorType(type.message(), into: &input)
                    } else {
                        try type.pass(tag)
                    }
                }
            default: try wire.pass(tag)
            }
        }
        return input
    }

    private mutating func readTensorType(
        _ message: WireReader, into input: inout ONNXModel.Input
    ) throws(ImportError) {
        var wire = message
        while let tag = try wire.nextField() {
            switch tag.field {
            case 1: input.type = try wire.integer()
            case 2:
                var shape: [Int?] = []
                var list = try wire.message()
                while let tag = try list.nextField() {
                    guard tag.field == 1 else {
                        try list.pass(tag)
                        continue
                    }
                    try count(1)
                    var size: Int?
                    var dimension = try list.message()
                    while let tag = try dimension.nextField() {
                        if tag.field == 1 {
                            size = try dimension.integer()
                        } else {
                            try dimension.pass(tag)
                        }
                    }
                    shape.append(size)
                }
                input.shape = shape
            default: try wire.pass(tag)
            }
        }
    }

    private mutating func count(_ added: Int) throws(ImportError) {
        elementCount += added
        guard elementCount <= ImportLimits.graphElementsMax else {
            throw .limit("numbers and names in a graph", max: ImportLimits.graphElementsMax)
        }
    }
}
