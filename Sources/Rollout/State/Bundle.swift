// SPDX-License-Identifier: Apache-2.0

/// A model as slots refer to it: its name, and the digest of what its answers come from.
package struct Bundle: Hashable, Sendable {
    /// "abandonment@2".
    package let model: String
    /// SHA-256 over format, artefact and inputs, 32 bytes. Quarantine is by digest, so that the same
    /// bytes under another name are the same bundle.
    package let digest: [UInt8]

    /// The model with that digest.
    package init(model: String, digest: [UInt8]) {
        self.model = model
        self.digest = digest
    }
}
