// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Foundation
import Simulator
import Testing

@testable import Demo

private let demo = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/Demo")

private func text(_ path: String) throws -> String {
    try String(contentsOf: demo.appending(path: path), encoding: .utf8)
}

private let sets = [
    ("session_behaviour", SessionFeatures.columns), ("customer_profile", CustomerProfile.columns),
]

@Test func `the feature sets declare the columns of the simulator, in order and with their types`()
    throws
{
    let documents = try text("Configuration/checkout.yaml").split(separator: "\n---\n")
    #expect(documents.count == sets.count)
    for (document, (name, columns)) in zip(documents, sets) {
        #expect(document.contains("\nname: \(name)\n"))
        let declared = document.matches(of: /\n  - \{name: (\w+), type: (\w+),/).map {
            "\($0.1) \($0.2)"
        }
        let expected = columns.map { column in
            let kind =
                switch column.kind {
                case .float32: "float32"
                case .int64: "int64"
                case .bool: "bool"
                case .string: "string"
                }
            return "\(column.name) \(kind)"
        }
        #expect(declared == expected)
    }
}

@Test func `the model's inputs are the columns of the simulator, in order and with the categories`()
    throws
{
    let expected = sets.flatMap { set, columns in
        columns.flatMap { column in
            let feature = "\(set)@1.\(column.name)"
            guard case .string(let categories) = column.kind else { return ["  - \(feature)"] }
            return [
                "  - feature: \(feature)",
                "    categories: [\(categories.joined(separator: ", "))]",
            ]
        }
    }
    let document = try text("Configuration/abandonment.model.yaml")
    let inputs = try #require(document.split(separator: "inputs:\n").last)
    #expect(inputs.split(separator: "\n").map(String.init) == expected)
}

@Test func `the training script expects the exported columns and the simulator's categories`()
    throws
{
    let script = try text("Training/train.py")
    let sets = try #require(script.firstMatch(of: /\nSETS = \{(?s)(.*?)\n\}/)).1
    let names = sets.matches(of: /"(\w+)"/).map { String($0.1) }
    #expect(names == TrainingRows.columns.map(\.name))
    for column in TrainingRows.columns {
        guard case .string(let categories) = column.kind else { continue }
        let list = categories.map { "\"\($0)\"" }.joined(separator: ", ")
        #expect(script.contains("\n    \"\(column.name)\": [\(list)],\n"))
    }
    let header = ["session_id"] + names + ["abandoned"]
    #expect(TrainingRows.header == header.joined(separator: ","))
}

@Test func `the committed model has the inputs of its specification and stays small`() throws {
    let model = try text("Configuration/abandonment.json")
    let names = TrainingRows.columns.map { "\"\($0.name)\"" }.joined(separator: ",")
    #expect(model.contains("\"feature_names\":[\(names)]"))
    #expect(model.contains("\"name\":\"binary:logistic\""))
    #expect(model.contains("\"num_feature\":\"\(TrainingRows.columns.count)\""))
    #expect(model.utf8.count < 600_000)
}

@Test func `the golden rows have the model's inputs, known categories and a score each`() throws {
    let bytes = Array(try text("Configuration/abandonment.golden.jsonl").utf8)
    let rows = try GoldenFile.rows(in: bytes.span)
    #expect(rows.count == 64)
    for row in rows {
        #expect(row.values.map(\.name) == TrainingRows.columns.map(\.name))
        let score = try #require(row.score)
        #expect(score > 0)
        #expect(score < 1)
        for (named, column) in zip(row.values, TrainingRows.columns) {
            guard case .string(let categories) = column.kind,
                case .text(let text) = named.value?.kind
            else { continue }
            #expect(categories.contains(text))
        }
    }
}
