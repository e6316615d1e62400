// SPDX-License-Identifier: Apache-2.0

import Models

/// The model file of a case.
struct ModelFile: Sendable {
    var name: String
    var format: ModelFormat

    static let all = [
        ModelFile(name: "model.json", format: .xgboostJSON),
        ModelFile(name: "model.ubj", format: .xgboostUBJ),
        ModelFile(name: "model.txt", format: .lightGBMText),
        ModelFile(name: "model.onnx", format: .onnx),
    ]
}
