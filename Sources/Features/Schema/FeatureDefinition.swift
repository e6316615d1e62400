// SPDX-License-Identifier: Apache-2.0

/// A feature as a version declares it.
package struct FeatureDefinition: Hashable, Sendable {
    package var name: String
    package var type: FeatureType
    /// Stands in for a missing value.
    package var defaultValue: DefaultValue?
    /// A value older than this is stale; 0 means never.
    package var maxAgeMilliseconds: UInt64
    package var description: String

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
