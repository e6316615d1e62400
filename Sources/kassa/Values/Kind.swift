// SPDX-License-Identifier: Apache-2.0

internal import Documents

/// A kind of resource.
enum Kind: String, CaseIterable {
    case featureSet = "feature_set"
    case scorer
    case model

    /// The kind that a person means by `word`: with a hyphen or in the plural too.
    init(_ word: String) throws(CommandError) {
        let name = word.split(separator: "-", omittingEmptySubsequences: false)
            .joined(separator: "_")
        if let kind = Kind(rawValue: name) ?? Kind(rawValue: String(name.dropLast())),
            name == kind.rawValue || name == kind.rawValue + "s"
        {
            self = kind
            return
        }
        let names = Kind.allCases.map(\.rawValue)
        let nearest = NearestWord.of(name, among: names).map { "did you mean \($0)?" }
        throw .usage(
            "there is no kind \"\(word)\"; "
                + (nearest ?? "there are \(names.joined(separator: ", "))"))
    }
}
