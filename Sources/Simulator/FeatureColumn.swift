// SPDX-License-Identifier: Apache-2.0

/// The name and type of one feature; a list of them in order is a feature set's schema.
package struct FeatureColumn: Hashable, Sendable {
    /// The type, by its name in a feature set document.
    package enum Kind: Hashable, Sendable {
        case float32, int64, bool
        /// With the categories that a model knows, in the order of their codes from 0.
        case string(categories: [String])
    }

    /// The feature's name.
    package var name: String
    /// The type of its values.
    package var kind: Kind

    /// A column of that name and type.
    package init(_ name: String, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }
}
