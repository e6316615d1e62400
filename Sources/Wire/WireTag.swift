// SPDX-License-Identifier: Apache-2.0

/// How the bytes of a field are delimited.
@usableFromInline
package enum WireType: UInt8, Sendable {
    /// Seven bits per byte, least significant first.
    case varint = 0
    /// Eight bytes, little-endian.
    case fixed64 = 1
    /// A length, then that many bytes.
    case lengthDelimited = 2
    /// The start of a group, an ancient kind of nested message.
    case startGroup = 3
    /// The end of a group.
    case endGroup = 4
    /// Four bytes, little-endian.
    case fixed32 = 5
}

/// The number and the wire type that precede every field.
@usableFromInline
package struct WireTag: Equatable, Sendable {
    /// `field number << 3 | wire type`.
    @usableFromInline package let rawValue: UInt32

    /// The tag with this value; nil for the wire types 6 and 7, which do not exist.
    @inlinable
    package init?(rawValue: UInt32) {
        guard rawValue & 7 < 6 else { return nil }
        self.rawValue = rawValue
    }

    /// The field's number, 1 to 536,870,911.
    @inlinable
    package var field: UInt32 { rawValue >> 3 }

    /// The field's wire type.
    @inlinable
    package var type: WireType {
        switch rawValue & 7 {
        case 0: .varint
        case 1: .fixed64
        case 2: .lengthDelimited
        case 3: .startGroup
        case 4: .endGroup
        default: .fixed32
        }
    }

    /// The value of a tag, to switch on.
    @inlinable
    package static func rawValue(of field: UInt32, _ type: WireType) -> UInt32 {
        field << 3 | UInt32(type.rawValue)
    }
}
