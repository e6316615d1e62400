// SPDX-License-Identifier: Apache-2.0

import Models

/// A sound file of a format, to be damaged.
struct DamagedFile: Sendable, CustomStringConvertible {
    var path: String
    var name: String
    var format: ModelFormat
    var rounds = 400

    static let all = [
        DamagedFile(path: "softprob_32", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "categorical_32", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "dartclasses_17", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "gblinear_32", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "categorical_17", name: "model.json", format: .xgboostJSON),
        DamagedFile(path: "lgb_multiclass", name: "model.txt", format: .lightGBMText),
        DamagedFile(path: "lgb_categorical", name: "model.txt", format: .lightGBMText),
        DamagedFile(path: "lgb_frame", name: "model.txt", format: .lightGBMText),
        DamagedFile(path: "onnx_boostingclasses", name: "model.onnx", format: .onnx),
        DamagedFile(path: "onnx_texts", name: "model.onnx", format: .onnx),
        DamagedFile(path: "onnx_network", name: "model.onnx", format: .onnx),
        DamagedFile(path: "onnx_logistic", name: "model.onnx", format: .onnx),
    ]

    var description: String { "\(path)/\(name)" }

    func bytes() throws -> [UInt8] {
        try OfficialCase(folder: OfficialCase.fixturesFolder, path: path).bytes(name)
    }

    /// The bytes without which the file is not whole: LightGBM's trees have an end of their own.
    func neededBytes(of bytes: [UInt8]) -> Int {
        guard format == .lightGBMText else { return bytes.count }
        let end = Array("end of trees".utf8)
        return bytes.indices.first { bytes[$0...].starts(with: end) } ?? bytes.count
    }
}
