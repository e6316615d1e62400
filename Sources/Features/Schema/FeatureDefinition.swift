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
    /// For people; not part of what a model sees.
    package var description: String

    /// A feature; ``FeatureSetDefinition`` checks it.
    package init(
        name: String, type: FeatureType, defaultValue: DefaultValue? = nil,
        maxAgeMilliseconds: UInt64 = 0, description: String = ""
    ) {
        self.name = name
        self.type = type
        self.defaultValue = defaultValue
        self.maxAgeMilliseconds = maxAgeMilliseconds
        self.description = description
    }
}
