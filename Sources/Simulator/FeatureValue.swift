// SPDX-License-Identifier: Apache-2.0

/// The value of one feature, in the feature store's types.
package enum FeatureValue: Hashable, Sendable {
    case float(Float)
    case integer(Int64)
    case flag(Bool)
    case text(String)
    /// Not known: a null in the store, an empty cell in a CSV file, a missing value in the model.
    case missing
}
