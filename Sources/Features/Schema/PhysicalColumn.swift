// SPDX-License-Identifier: Apache-2.0

/// A column of the rows of a feature set: a name and a type that never change.
///
/// Its id is its place in ``FeatureSet/columns``.
package struct PhysicalColumn: Hashable, Sendable {
    package let name: String
    package let type: FeatureType
}
