// SPDX-License-Identifier: Apache-2.0

/// How a column's slot is read and written: all that merging needs to know of a type.
package enum SlotKind: UInt8, Sendable {
    /// There is no slot.
    case dead
    case oneByte
    case fourBytes
    case eightBytes
    /// The slot holds where the value ends in the tail.
    case tail

    init(_ type: FeatureType, isDead: Bool) {
        switch type {
        case _ where isDead: self = .dead
        case .string, .vector, .strings: self = .tail
        case .float64, .int64, .timestamp: self = .eightBytes
        case .float32: self = .fourBytes
        case .bool: self = .oneByte
        }
    }
}
