// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The keys of one mapping, each read once by the form that it must have.
///
/// A key that is none of the known ones is refused before any is read.
struct Fields {
    private let entries: [YAMLNode.Entry]
    /// Where the mapping begins.
    let position: YAMLPosition

    /// - Parameter name: what the mapping is, for the error when it is none.
    init(_ node: YAMLNode, name: String, keys: [String]) throws(DocumentError) {
        guard case .mapping(let entries) = node.content else {
            throw DocumentError(.expected("a mapping", for: name), at: node.position)
        }
        for entry in entries where !keys.contains(entry.key) {
            throw DocumentError(
                .unknownKey(entry.key, nearest: NearestWord.of(entry.key, among: keys)),
                at: entry.keyPosition)
        }
        self.entries = entries
        position = node.position
    }

    /// The value of `key` with its place, if the mapping has it.
    func node(_ key: String) -> YAMLNode? {
        entries.first { $0.key == key }?.value
    }

    /// The value of `key`, which must be there.
    func required(_ key: String) throws(DocumentError) -> YAMLNode {
        guard let node = node(key) else {
            throw DocumentError(.missingKey(key), at: position)
        }
        return node
    }

    /// Text that may be left out: then it is empty.
    func text(_ key: String) throws(DocumentError) -> String {
        guard let node = node(key) else { return "" }
        return try node.text(key)
    }

    /// A name that must be there: `[a-z][a-z0-9_]*`, up to 64 bytes.
    func name(_ key: String) throws(DocumentError) -> String {
        try required(key).name(key)
    }

    /// A version from 1, or 0 if it is left out.
    func version() throws(DocumentError) -> UInt32 {
        guard let node = node("version") else { return 0 }
        guard case .scalar(let text, isPlain: true) = node.content,
            let version = UInt32(text), version > 0
        else {
            throw DocumentError(
                .expected("a whole number from 1 to \(UInt32.max)", for: "version"),
                at: node.position)
        }
        return version
    }

    /// A duration in milliseconds, or 0 if it is left out.
    func milliseconds(_ key: String) throws(DocumentError) -> UInt64 {
        guard let node = node(key) else { return 0 }
        guard case .scalar(let text, _) = node.content,
            let milliseconds = DurationText.milliseconds(text)
        else {
            throw DocumentError(
                .expected(
                    "a duration such as 500ms, 10s, 15m, 24h or 30d, up to 36500d", for: key),
                at: node.position)
        }
        return milliseconds
    }

    /// A mapping of texts, or nothing if it is left out.
    func labels() throws(DocumentError) -> [String: String] {
        guard let node = node("labels") else { return [:] }
        guard case .mapping(let entries) = node.content else {
            throw DocumentError(.expected("a mapping", for: "labels"), at: node.position)
        }
        var labels: [String: String] = [:]
        for entry in entries { labels[entry.key] = try entry.value.text("labels") }
        return labels
    }
}

extension YAMLNode {
    /// The text of a scalar that says something.
    func text(_ key: String) throws(DocumentError) -> String {
        guard case .scalar(let text, _) = content, !isNull else {
            throw DocumentError(.expected("text", for: key), at: position)
        }
        return text
    }

    /// A name: `[a-z][a-z0-9_]*`, up to 64 bytes.
    func name(_ key: String) throws(DocumentError) -> String {
        guard case .scalar(let text, _) = content, Name.isValid(text) else {
            throw DocumentError(
                .expected(
                    "a name of lower-case letters, digits and _, up to \(Name.byteCountMax)",
                    for: key),
                at: position)
        }
        return text
    }

    /// The elements of a sequence.
    func elements(_ key: String) throws(DocumentError) -> [YAMLNode] {
        guard case .sequence(let elements) = content else {
            throw DocumentError(.expected("a list", for: key), at: position)
        }
        return elements
    }
}
