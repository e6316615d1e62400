// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A folder with a model file, rows and the official library's answers.
///
/// Some are in the repository (`Tests/Fixtures/models`, made by `make_xgboost_fixtures.py`), the
/// larger ones, with models of other projects, beside it (`shared/data/models`).
struct OfficialCase: Sendable, CustomStringConvertible {
    let folder: String
    let path: String

    /// The folder of cases: `KASSA_SHARED_DATA`/models, or `shared/data/models` beside an ancestor.
    static let sharedFolder: String? = {
        var candidates: [String] = []
        if let given = ProcessInfo.processInfo.environment["KASSA_SHARED_DATA"] {
            candidates.append(given + "/models")
        }
        var directory = URL(fileURLWithPath: #filePath)
        while directory.path != "/" {
            directory.deleteLastPathComponent()
            candidates.append(directory.appendingPathComponent("shared/data/models").path)
        }
        return candidates.first { FileManager.default.fileExists(atPath: $0) }
    }()

    static let isSharedDataHere = sharedFolder != nil

    static let sharedXGBoost = [
        "public/leaves_xg_agaricus_3trees", "public/mlserver_mushroom_json",
        "generated/xgb_binary", "generated/xgb214_binary",
    ].map(shared)

    /// The models trained with XGBoost 1.7, 2.1 and 3.2 of kinds that are evaluated.
    static let fixtures: [OfficialCase] = {
        let folder =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .path + "/Fixtures/models"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { OfficialCase(folder: folder, path: $0) }
    }()

    static let evaluatedFixtures = fixtures.filter(\.hasAnswers)
    static let refusedFixtures = fixtures.filter { !$0.hasAnswers }

    static func shared(_ path: String) -> OfficialCase {
        OfficialCase(folder: sharedFolder ?? "", path: path)
    }

    var hasAnswers: Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(path)/expected.csv")
    }

    var description: String { path }

    func bytes(_ file: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)/\(file)")))
    }

    /// The rows to score; an empty cell is missing.
    func rows() throws -> [[Float]] {
        try table("input.csv").dropFirst().map { row in
            try row.map { $0.isEmpty ? Float.nan : try #require(Float($0)) }
        }
    }

    /// The kind of each row, its official prediction and margin.
    func answers() throws -> [(kind: String, prediction: Float, margin: Float)] {
        try table("expected.csv").dropFirst().map { row in
            (String(row[0]), try #require(Float(row[1])), try #require(Float(row[2])))
        }
    }

    private func table(_ file: String) throws -> [[Substring]] {
        let text = String(decoding: try bytes(file), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
    }
}
