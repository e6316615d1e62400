// SPDX-License-Identifier: Apache-2.0

internal import Base

/// A feature set as requests name it: "cart@3", or "cart" for the newest version.
package struct FeatureSetReference: Hashable, Sendable {
    /// The set's name.
    package let name: String
    /// 0 means the newest.
    package let version: UInt32

    /// Reads "cart@3" or "cart"; nil if it is neither.
    package init?(_ text: String) {
        guard let reference = VersionedName(text) else { return nil }
        name = reference.name
        version = reference.version
    }
}
