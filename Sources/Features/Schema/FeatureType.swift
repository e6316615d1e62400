// SPDX-License-Identifier: Apache-2.0

/// The type of a feature and of the column that stores it.
///
/// Codes are stored and equal the numbers of the API's `FeatureType`; they never change.
package enum FeatureType: Hashable, Sendable {
    case float32
    case float64
    case int64
    case bool
    case string
    /// Microseconds since the Unix epoch; a model sees seconds from then until now.
    case timestamp
    /// As many float32s as it says; a model sees each as an input.
    case vector(UInt16)
    /// A list of strings, in order; no model takes one.
    case strings

    /// The type with that code; `dimension` is a vector's, and 0 for the others.
    package init?(code: UInt8, dimension: UInt16 = 0) {
        switch (code, dimension) {
        case (1, 0): self = .float32
        case (2, 0): self = .float64
        case (3, 0): self = .int64
        case (4, 0): self = .bool
        case (5, 0): self = .string
        case (6, 0): self = .timestamp
        case (7, 1...UInt16(FeatureLimits.dimensionMax)): self = .vector(dimension)
        case (8, 0): self = .strings
        default: return nil
        }
    }

    /// The type's number.
    package var code: UInt8 {
        switch self {
        case .float32: 1
        case .float64: 2
        case .int64: 3
        case .bool: 4
        case .string: 5
        case .timestamp: 6
        case .vector: 7
        case .strings: 8
        }
    }

    /// A vector's components; 0 for the other types.
    package var dimension: UInt16 {
        if case .vector(let dimension) = self { dimension } else { 0 }
    }

    /// The inputs of a model that a feature of the type feeds.
    package var inputCount: Int {
        switch self {
        case .vector(let dimension): Int(dimension)
        case .strings: 0
        case .float32, .float64, .int64, .bool, .string, .timestamp: 1
        }
    }

    /// Whether values lie in the row's tail, and the slot says where they end.
    package var isInTail: Bool {
        switch self {
        case .string, .vector, .strings: true
        case .float32, .float64, .int64, .bool, .timestamp: false
        }
    }

    /// Bytes of the column's slot in a row.
    package var slotByteCount: Int {
        switch self {
        case .float64, .int64, .timestamp: 8
        case .float32, .string, .vector, .strings: 4
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
        case .timestamp: "timestamp"
        case .vector(let dimension): "vector[\(dimension)]"
        case .strings: "strings"
        }
    }
}
