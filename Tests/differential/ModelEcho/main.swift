// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc
import Models

/// What a model file makes of rows, for tests that have the official library's answers.
///
///     ModelEcho FILE FORMAT ROWS WIDTH nodes|heaps|paths
///
/// ROWS holds float32 if WIDTH is 32 and float64 if it is 64. Prints a line for each row: its margins
/// and predictions; then, for float32, the predictions of all rows as one batch, and for the first four
/// rows their contributions.
private func run(_ words: [String]) throws {
    let formats: [String: ModelFormat] = [
        "xgboost-json": .xgboostJSON, "xgboost-ubj": .xgboostUBJ, "lightgbm": .lightGBMText,
    ]
    let layouts: [String: TreeLayout] = ["nodes": .nodes, "heaps": .heaps, "paths": .paths]
    guard words.count == 6, let format = formats[words[2]], let layout = layouts[words[5]] else {
        print("usage: ModelEcho FILE xgboost-json|xgboost-ubj|lightgbm ROWS 32|64 LAYOUT")
        exit(2)
    }
    let file = try Files.read(words[1], byteCountMax: 1 << 24)
    let model = try CompiledModel(importing: file.span, format: format, layout: layout)
    let bytes = try Files.read(words[3], byteCountMax: 1 << 24)
    var margins = [Double](repeating: 0, count: model.marginCount)
    var predictions = [Double](repeating: 0, count: model.output.count)
    let width = model.summary.featureCount
    print("layout", model.layout.map { "\($0)" } ?? "none")

    func show<Value>(
        _ rows: [Value],
        _ evaluate: (Span<Value>, inout MutableSpan<Double>, inout MutableSpan<Double>) -> Void
    ) {
        for start in stride(from: 0, to: rows.count, by: width) {
            var marginSpan = margins.mutableSpan
            var predictionSpan = predictions.mutableSpan
            evaluate(rows.span.extracting(start..<start + width), &marginSpan, &predictionSpan)
            print("row", line(margins), line(predictions))
        }
    }
    // Safe: loads that need no alignment, below the count.
    if words[4] == "64" {
        let rows = unsafe bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map {
                unsafe bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)
            }
        }
        show(rows) { model.evaluate(row: $0, margins: &$1, predictions: &$2) }
        return
    }
    let rows = unsafe bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map {
            unsafe bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)
        }
    }
    show(rows) { model.evaluate(row: $0, margins: &$1, predictions: &$2) }
    var batch = [Double](repeating: 0, count: rows.count / width * model.output.count)
    var batchSpan = batch.mutableSpan
    model.evaluate(rows: rows.span, count: rows.count / width, into: &batchSpan)
    print("batch", line(batch))
    guard model.hasContributions else { return }
    var contributions = [Double](repeating: 0, count: model.contributionCount)
    for row in 0..<min(4, rows.count / width) {
        var span = contributions.mutableSpan
        model.contributions(
            of: rows.span.extracting(row * width..<(row + 1) * width), into: &span)
        print("contributions", line(contributions))
    }
}

private func line(_ numbers: [Double]) -> String {
    numbers.map { "\($0)" }.joined(separator: " ")
}

do {
    try run(CommandLine.arguments)
} catch {
    print("ModelEcho: \(error)")
    exit(1)
}
