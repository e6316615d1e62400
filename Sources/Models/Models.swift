// SPDX-License-Identifier: Apache-2.0

/// The file formats that can be imported.
///
/// Module Models turns a trainer's file into something that scores a row. Two halves, kept apart:
/// `Import` is slow, suspicious and may allocate; `Evaluate` is fast, trusting and allocates nothing.
/// Between them stands one value: a `TreeEnsemble`, a `LinearModel` or a `Graph`. Each reader
/// produces one, `verify()` proves it, `ForestPacker` lays trees out. Invariant: no `CompiledModel`
/// exists whose description was not verified, so whatever the bytes, evaluation stays inside its
/// memory and ends.
///
/// Traps: a model has no feature names unless its trainer gave them; a format's base score may be in
/// the space of predictions; an input that is a text has its category's number in the row; what is
/// not surely evaluated right is refused by name, never guessed.
///
/// ```swift
/// let model = try CompiledModel(importing: file.span, format: .xgboostJSON)
/// model.evaluate(row: row.span, margins: &margins, predictions: &predictions)
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
    /// A linear model, logistic regression or scorecard written by hand.
    ///
    /// The margin is the intercept plus what each term adds; the link makes the score of it. A term
    /// is a weight, or points by bins (the first edge above the value decides; one more point than
    /// edges), or points by category. Every term says what a missing value adds. The row has one
    /// value per term, in their order; all in float64.
    ///
    /// ```json
    /// {"kassa_model": 1, "link": "logistic", "intercept": -2.5,
    ///  "terms": [
    ///    {"feature": "cart_value", "weight": 0.013, "missing": 0},
    ///    {"feature": "visits", "edges": [2, 5], "points": [1.5, 0.25, -1], "missing": 0.1},
    ///    {"feature": "city", "categories": {"Oslo": 0.7, "Rome": -0.2}, "other": 0, "missing": 0}
    ///  ]}
    /// ```
    case plainJSON
}

extension CompiledModel {
    /// Reads, verifies and compiles a model file.
    ///
    /// - Parameter layout: how trees are to lie in memory if that is possible; nil leaves it to a
    ///   measurement.
    /// - Complexity: O(bytes); memory well under the file's size. Not for an event loop.
    package convenience init(
        importing bytes: Span<UInt8>, format: ModelFormat, layout: TreeLayout? = nil
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
        case .plainJSON: model = .linear(try PlainReader.read(bytes))
        }
        try self.init(model, layout: layout)
    }
}
