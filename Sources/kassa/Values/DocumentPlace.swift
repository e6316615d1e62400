// SPDX-License-Identifier: Apache-2.0

internal import API

/// Where a document of a request was written, so that a refusal can be read without counting.
struct DocumentPlace: Equatable {
    let file: String
    /// "feature_set cart".
    let title: String

    init(_ document: KassaV1.Document, file: String) {
        self.file = file
        title =
            switch document.resource {
            case .featureSet(let set): "feature_set \(set.name)"
            case .scorer(let scorer): "scorer \(scorer.name)"
            case nil: "a document"
            }
    }

    /// `message` with "documents[1].scorer.model: …" as "b.yaml: scorer cart: model: …".
    static func naming(_ places: [DocumentPlace], in message: String) -> String {
        let start = "documents["
        guard message.hasPrefix(start), let end = message.firstIndex(of: "]"),
            let index = Int(
                message[message.index(message.startIndex, offsetBy: start.count)..<end]),
            places.indices.contains(index)
        else { return message }
        var rest = message[message.index(after: end)...]
        for kind in [".feature_set", ".scorer"] where rest.hasPrefix(kind) {
            rest = rest.dropFirst(kind.count)
        }
        rest = rest.drop { $0 == "." || $0 == ":" || $0 == " " }
        return "\(places[index].file): \(places[index].title): \(rest)"
    }
}
