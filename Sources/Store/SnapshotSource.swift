// SPDX-License-Identifier: Apache-2.0

/// A file of the caller's that goes into a snapshot, such as a model's artefact; it must not change
/// meanwhile.
package struct SnapshotSource: Hashable, Sendable {
    /// Its path now.
    package var path: String
    /// Its path below the snapshot's folder, and below the restored directory.
    package var name: String

    /// The SHA-256 that its bytes must have, in hexadecimal; nil if that is not known.
    package var digest: String?

    /// Whether a copy without it is whole, if it is not there when its turn comes.
    package var isOptional: Bool

    /// The file `path`, to be called `name`.
    package init(path: String, name: String, digest: String? = nil, isOptional: Bool = false) {
        self.path = path
        self.name = name
        self.digest = digest
        self.isOptional = isOptional
    }
}
