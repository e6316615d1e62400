// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A folder of `shared/data/models`: a model file, rows and the official library's answers.
struct OfficialCase: Sendable, CustomStringConvertible {
    let path: String

    /// The folder of cases: `KASSA_SHARED_DATA`/models, or `shared/data/models` beside an ancestor.
    static let folder: String? = {
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

    static let isAvailable = folder != nil

    static let xgboostBinary = [
        "public/leaves_xg_agaricus_3trees", "public/mlserver_mushroom_json",
        "generated/xgb_binary", "generated/xgb214_binary",
    ].map(OfficialCase.init)

    var description: String { path }

    init(_ path: String) {
        self.path = path
    }

    func bytes(_ file: String) throws -> [UInt8] {
        let folder = try #require(Self.folder)
        return Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)/\(file)")))
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
