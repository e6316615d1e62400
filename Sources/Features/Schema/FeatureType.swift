// SPDX-License-Identifier: Apache-2.0

/// The type of a feature and of the column that stores it.
///
/// Raw values are stored and equal those of the API's `FeatureType`; they never change.
package enum FeatureType: UInt8, Sendable, CaseIterable {
    case float32 = 1
    case float64 = 2
    case int64 = 3
    case bool = 4
    case string = 5

    /// Bytes of the column's slot in a row; a string's slot holds where it ends in the row's tail.
    package var slotByteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .string: 4
        case .bool: 1
        }
    }

    /// The type's name in documents and messages.
    package var name: String {
        switch self {
        case .float32: "float32"
        case .float64: "float64"
        case .int64: "int64"
        case .bool: "bool"
        case .string: "string"
        }
    }
}
