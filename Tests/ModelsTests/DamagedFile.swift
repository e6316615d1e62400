// SPDX-License-Identifier: Apache-2.0

import Models

/// A sound file of a format, to be damaged.
struct DamagedFile: Sendable, CustomStringConvertible {
    var path: String
    var name: String
    var format: ModelFormat
    var rounds = 400
    /// Bytes at the end that may be missing without harm.
    var endBytes = 0

    static let all = [
        DamagedFile(path: "softprob_32", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "categorical_32", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "dartclasses_17", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "gblinear_32", name: "model.ubj", format: .xgboostUBJ),
        DamagedFile(path: "categorical_17", name: "model.json", format: .xgboostJSON),
    ]

    var description: String { "\(path)/\(name)" }

    func bytes() throws -> [UInt8] {
        try OfficialCase(folder: OfficialCase.fixturesFolder, path: path).bytes(name)
    }
}
