// SPDX-License-Identifier: Apache-2.0

/// What an input makes of a value, whatever row layout it lies in.
struct InputRule {
    let type: FeatureType
    let hasDefault: Bool
    /// What a model sees for a missing value: the default, or NaN.
    let missing: Float
    /// Microseconds; `Int64.max` if never.
    let ttl: Int64
    /// Microseconds; `Int64.max` if never.
    let maxAge: Int64
    /// The categories' table in the plan's list; -1 if the input is not a string.
    let table: Int
}
