// SPDX-License-Identifier: Apache-2.0

/// A YAML file of settings: one flat mapping of known keys to scalars.
package enum SettingsFile {
    /// The settings of a file as text, by key.
    ///
    /// - Throws: where and why, for an unknown key (with the nearest known one), a second document, or a
    ///   value that is no scalar.
    package static func settings(
        in bytes: Span<UInt8>, keys: [String]
    ) throws(DocumentError) -> [String: String] {
        let nodes = try YAMLParser.documents(in: bytes)
        guard let node = nodes.first else { throw DocumentError(.noDocument, at: .start) }
        guard nodes.count == 1 else {
            throw DocumentError(.severalDocuments, at: nodes[1].position)
        }
        let fields = try Fields(node, name: "settings", keys: keys)
        var settings: [String: String] = [:]
        for key in keys {
            if let node = fields.node(key) { settings[key] = try node.text(key) }
        }
        return settings
    }
}
