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

    /// The file `path`, to be called `name`.
    package init(path: String, name: String, digest: String? = nil) {
        self.path = path
        self.name = name
        self.digest = digest
    }
}
