// SPDX-License-Identifier: Apache-2.0

/// The bounds of one score request.
package enum ScoreLimits {
    /// Entities in one request.
    package static let entitiesMax = 8
    /// Values that a request brings along.
    package static let contextValuesMax = 1_000
}
