// SPDX-License-Identifier: Apache-2.0

import API
import Documents
import Foundation
import Testing

/// A file of the demo.
private func demo(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let path = folder.appending(path: "../../Sources/Demo/Configuration/\(name)")
    return Array(try Data(contentsOf: path))
}

struct `The demo's files` {
    @Test(arguments: ["checkout.yaml", "scorer.yaml"])
    func `are read, and printed so that they read back`(name: String) throws {
        let bytes = try demo(name)
        let documents = try DocumentFile.resources(in: bytes.span)
        #expect(!documents.isEmpty)
        #expect(try resources(DocumentFile.yaml(documents)) == documents)
    }

    @Test func `agree with each other about every input of the model`() throws {
        let modelFile = try demo("abandonment.model.yaml")
        let setsFile = try demo("checkout.yaml")
        let model = try DocumentFile.model(in: modelFile.span)
        var features: Set<String> = []
        for document in try DocumentFile.resources(in: setsFile.span) {
            guard case .featureSet(let set) = document.resource else { continue }
            for feature in set.features {
                features.insert("\(set.name)@\(set.version).\(feature.name)")
            }
        }
        #expect(!model.spec.inputs.isEmpty)
        for input in model.spec.inputs {
            #expect(features.contains("\(input.featureSet).\(input.feature)"))
        }
    }
}
