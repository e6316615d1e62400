// SPDX-License-Identifier: Apache-2.0

import Foundation
import Models
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

    /// Every case of the shared folder.
    static let sharedCases: [OfficialCase] = {
        guard let folder = sharedFolder else { return [] }
        return ["generated", "public"].flatMap { part in
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(part)")) ?? [])
                .sorted().map { OfficialCase(folder: folder, path: "\(part)/\($0)") }
                .filter(\.hasAnswers)
        }
    }()

    static let fixturesFolder =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
        + "/Fixtures/models"

    /// The models trained with several versions of the libraries.
    static let fixtures: [OfficialCase] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: fixturesFolder)) ?? []
        return names.sorted().map { OfficialCase(folder: fixturesFolder, path: $0) }
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

    /// The model files that are here, of formats that are read.
    var files: [ModelFile] {
        ModelFile.all.filter {
            FileManager.default.fileExists(atPath: "\(folder)/\(path)/\($0.name)")
        }
    }

    /// The rows to score; an empty cell is missing, a text is the number of its category.
    func rows(_ model: CompiledModel) throws -> [[Double]] {
        try table("input.csv").dropFirst().map { row in
            try zip(row, model.inputs).map { cell, input in
                if input.isText {
                    return Double(input.categories.firstIndex(of: String(cell)) ?? -1)
                }
                return cell.isEmpty ? Double.nan : try #require(Double(cell))
            }
        }
    }

    /// The kind of each row, its official predictions and margins (none if the library has none).
    func answers() throws -> [(kind: String, predictions: [Double], margins: [Double])] {
        let lines = try table("expected.csv")
        let names = try #require(lines.first)
        func columns(_ prefixes: [String]) -> [Int] {
            names.indices.filter { name in prefixes.contains { names[name].hasPrefix($0) } }
        }
        let predictions = columns(["pred", "probabilities"])
        let margins = columns(["margin", "raw"])
        return try lines.dropFirst().map { row in
            (
                String(row[0]), try predictions.map { try #require(Double(row[$0])) },
                try margins.map { try #require(Double(row[$0])) }
            )
        }
    }

    /// The official contributions of the first rows; nil if the case has none.
    func contributions() throws -> [[Double]]? {
        let file = "contributions.csv"
        guard FileManager.default.fileExists(atPath: "\(folder)/\(path)/\(file)") else {
            return nil
        }
        return try table(file).dropFirst().map { try $0.map { try #require(Double($0)) } }
    }

    private func table(_ file: String) throws -> [[Substring]] {
        let text = String(decoding: try bytes(file), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
    }
}
