// SPDX-License-Identifier: Apache-2.0

/// The file formats that can be imported.
///
/// Module Models turns a trainer's file into something that scores a row. Two halves, kept apart:
/// `Import` is slow, suspicious and may allocate; `Evaluate` is fast, trusting and allocates nothing.
/// Between them stands one value, `TreeEnsemble`: each reader produces it, `verify()` proves it,
/// `ForestPacker` lays it out. Invariant: no `CompiledModel` exists whose ensemble was not verified,
/// so whatever the bytes, evaluation stays inside its memory and ends.
///
/// Traps: a model has no feature names unless its trainer gave them; a format's base score may be in
/// the space of predictions; what is not surely evaluated right is refused by name, never guessed.
///
/// ```swift
/// let model = try CompiledModel(importing: file.span, format: .xgboostJSON)
/// let score = model.score(margin: model.margin(of: row.span))
/// ```
package enum ModelFormat: Sendable, CaseIterable {
    /// `Booster.save_model("model.json")` of XGBoost 1.x, 2.x or 3.x.
    case xgboostJSON
    /// `Booster.save_model("model.ubj")` of XGBoost 1.6 or later.
    case xgboostUBJ
    /// `Booster.save_model("model.txt")` of LightGBM 2.x, 3.x or 4.x.
    case lightGBMText
    /// A graph of ONNX: trees, linear models and small networks with their preprocessing, as
    /// skl2onnx and onnxmltools write them.
    case onnx
}

extension CompiledModel {
    /// Reads, verifies and compiles a model file.
    ///
    /// - Complexity: O(bytes); memory well under the file's size. Not for an event loop.
    package convenience init(
        importing bytes: Span<UInt8>, format: ModelFormat
    ) throws(ImportError) {
        guard bytes.count <= ImportLimits.fileBytesMax else {
            throw .limit("bytes", max: ImportLimits.fileBytesMax)
        }
        let model: ImportedModel
        switch format {
        case .xgboostJSON:
            var reader = XGBoostReader(JSONReader(bytes))
            model = try reader.read()
        case .xgboostUBJ:
            var reader = XGBoostReader(UBJSONReader(bytes))
            model = try reader.read()
        case .lightGBMText: model = try LightGBMReader.read(bytes)
        case .onnx: model = .graph(try GraphBuilder.build(ONNXReader.read(bytes)))
        }
        try self.init(model)
    }
}
