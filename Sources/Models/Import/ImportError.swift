// SPDX-License-Identifier: Apache-2.0

/// Why a model file was refused.
///
/// A message names the place in the file's own words, so that whoever trained the model finds it:
/// `tree 3 node 17: left child 99 is outside 0..<31`.
package enum ImportError: Error, Equatable {
    /// The bytes are not well-formed, or a value is not of the kind that its place asks for.
    case syntax(offset: Int, problem: String)
    /// The file asks for something that is not evaluated here; nothing is guessed.
    case unsupported(String)
    /// A field is missing or contradicts another one.
    case field(String, problem: String)
    /// A tree as a whole is wrong.
    case tree(Int, problem: String)
    /// One node is wrong.
    case node(tree: Int, node: Int, problem: String)
    /// More than `ImportLimits` allows.
    case limit(String, max: Int)
}

extension ImportError: CustomStringConvertible {
    /// One sentence for the person who uploads the model.
    package var description: String {
        switch self {
        case .syntax(let offset, let problem): "byte \(offset): \(problem)"
        case .unsupported(let feature): "\(feature) is not supported"
        case .field(let name, let problem): "\(name): \(problem)"
        case .tree(let tree, let problem): "tree \(tree): \(problem)"
        case .node(let tree, let node, let problem): "tree \(tree) node \(node): \(problem)"
        case .limit(let what, let max): "more than \(max) \(what)"
        }
    }
}
