// SPDX-License-Identifier: Apache-2.0

/// A column of the rows of a feature set: a name and a type that never change.
///
/// Its id is its place in ``FeatureSet/columns``.
package struct PhysicalColumn: Hashable, Sendable {
    /// The name of the features that lie on it.
    package let name: String
    /// The type of the features that lie on it.
    package let type: FeatureType
}
