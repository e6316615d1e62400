// SPDX-License-Identifier: Apache-2.0

/// A value of a YAML file with its place: a scalar, a sequence or a mapping.
struct YAMLNode {
    enum Content {
        /// The text as written, quotes and escapes resolved; `isPlain` means that it was not quoted.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// In the order of the file, every key once.
        case mapping([Entry])
    }

    struct Entry {
        let key: String
        let keyPosition: YAMLPosition
        let value: YAMLNode
    }

    let content: Content
    let position: YAMLPosition

    /// Whether it is a plain scalar that means nothing: empty, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}
