// SPDX-License-Identifier: Apache-2.0

/// Why a file was refused, and where.
package struct DocumentError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Reason: Hashable, Sendable {
        /// Not YAML; libyaml's words.
        case syntax(String)
        case tooLarge(bytesMax: Int)
        case tooDeep(depthMax: Int)
        case tooManyNodes(nodesMax: Int)
        /// An alias, anchor or tag.
        case unsupported(String)
        case keyIsNotText
        case duplicateKey(String, firstLine: Int)
        case unknownKey(String, nearest: String?)
        case missingKey(String)
        /// A value of another form: the key and what it wants.
        case expected(String, for: String)
        case unknownKind(String, nearest: String?)
        /// Two documents of one kind and name.
        case duplicateDocument(String, firstLine: Int)
        case noDocument
        /// More than the one document that is wanted.
        case severalDocuments
        case outOfMemory
    }

    /// What is wrong.
    package let reason: Reason
    /// Where in the file it is.
    package let position: YAMLPosition

    /// An error of that kind at that place.
    package init(_ reason: Reason, at position: YAMLPosition) {
        self.reason = reason
        self.position = position
    }

    /// "line 3, column 5: unknown key …".
    package var description: String {
        "line \(position.line), column \(position.column): \(message)"
    }

    /// "cart.yaml:3:5: unknown key …", as compilers say it.
    package func description(file: String) -> String {
        "\(file):\(position.line):\(position.column): \(message)"
    }

    private var message: String {
        switch reason {
        case .syntax(let problem): "not YAML: \(problem)"
        case .tooLarge(let bytesMax): "the file is larger than \(bytesMax) bytes"
        case .tooDeep(let depthMax): "nested deeper than \(depthMax) levels"
        case .tooManyNodes(let nodesMax): "more than \(nodesMax) values"
        case .unsupported(let what): "\(what) are not supported"
        case .keyIsNotText: "a key must be text"
        case .duplicateKey(let key, let line): "key \"\(key)\" is already on line \(line)"
        case .unknownKey(let key, let nearest):
            "unknown key \"\(key)\"\(Self.suggestion(nearest))"
        case .missingKey(let key): "key \"\(key)\" is missing"
        case .expected(let what, let key): "\(key): expected \(what)"
        case .unknownKind(let kind, let nearest):
            "unknown kind \"\(kind)\"\(Self.suggestion(nearest))"
        case .duplicateDocument(let name, let line): "\(name) is already on line \(line)"
        case .noDocument: "the file holds no document"
        case .severalDocuments: "the file holds more than one document"
        case .outOfMemory: "out of memory"
        }
    }

    private static func suggestion(_ nearest: String?) -> String {
        nearest.map { "; did you mean \"\($0)\"?" } ?? ""
    }
}
