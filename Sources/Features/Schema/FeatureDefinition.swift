// SPDX-License-Identifier: Apache-2.0

/// A feature as a version declares it.
package struct FeatureDefinition: Hashable, Sendable {
    /// `[a-z][a-z0-9_]*`; unique in its version.
    package var name: String
    /// The type of its values.
    package var type: FeatureType
    /// Stands in for a missing value.
    package var defaultValue: DefaultValue?
    /// A value older than this is stale; 0 means never.
    package var maxAgeMilliseconds: UInt64
    /// For a string: the only values that writes may bring, in code order; empty means any.
    package var categories: [String]
    /// Whether a NaN or an infinity in a write is an explicit null; else it refuses its row.
    package var takesNonFiniteAsNull: Bool
    /// What replaces a value that is not there: not ``Fallback/use``. Nil: the default if there is one,
    /// but an explicit null stays.
    package var onMissing: Fallback?
    /// What replaces a stale value. Nil: nothing, it is used.
    package var onStale: Fallback?
    /// For people; not part of what a model sees.
    package var description: String

    /// A feature; ``FeatureSetDefinition`` checks it.
    package init(
        name: String, type: FeatureType, defaultValue: DefaultValue? = nil,
        maxAgeMilliseconds: UInt64 = 0, categories: [String] = [],
        takesNonFiniteAsNull: Bool = false, onMissing: Fallback? = nil, onStale: Fallback? = nil,
        description: String = ""
    ) {
        self.name = name
        self.type = type
        self.defaultValue = defaultValue
        self.maxAgeMilliseconds = maxAgeMilliseconds
        self.categories = categories
        self.takesNonFiniteAsNull = takesNonFiniteAsNull
        self.onMissing = onMissing
        self.onStale = onStale
        self.description = description
    }
}
