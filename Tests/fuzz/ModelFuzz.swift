// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// libFuzzer's entry: imports the bytes as the format that KASSA_FORMAT names (default xgboost-json)
/// and, if they are a model, evaluates a few rows. Built and run by `fuzz_models.sh`.
private let format: ModelFormat = {
    let formats: [String: ModelFormat] = [
        "xgboost-json": .xgboostJSON, "xgboost-ubj": .xgboostUBJ, "lightgbm": .lightGBMText,
        "onnx": .onnx, "plain": .plainJSON,
    ]
    guard let name = unsafe getenv("KASSA_FORMAT") else { return .xgboostJSON }
    guard let format = formats[unsafe String(cString: name)] else { fatalError("KASSA_FORMAT") }
    return format
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    guard let model = try? CompiledModel(importing: bytes.span, format: format) else { return 0 }
    var margins = [Double](repeating: 0, count: model.marginCount)
    var predictions = [Double](repeating: 0, count: model.output.count)
    for value: Double in [0.25, .nan, -1e30, .infinity] {
        let row = [Float](repeating: Float(value), count: model.summary.featureCount)
        let wide = [Double](repeating: value, count: model.summary.featureCount)
        var marginSpan = margins.mutableSpan
        var predictionSpan = predictions.mutableSpan
        model.evaluate(row: row.span, margins: &marginSpan, predictions: &predictionSpan)
        model.evaluate(row: wide.span, margins: &marginSpan, predictions: &predictionSpan)
    }
    if model.hasContributions, model.summary.nodeCount < 1_000 {
        let row = [Double](repeating: 0.25, count: model.summary.featureCount)
        var contributions = [Double](repeating: 0, count: model.contributionCount)
        var span = contributions.mutableSpan
        model.contributions(of: row.span, into: &span)
    }
    return 0
}
