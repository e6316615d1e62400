// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a message.
///
/// `field` is the number of the field that was being read, 0 when it was the first tag.
@usableFromInline
package enum WireError: Error, Equatable {
    /// The bytes end inside a value.
    case truncated(field: UInt32)
    /// A varint of more than ten bytes.
    case overlongVarint(field: UInt32)
    /// A tag of more than five bytes, of field 0, or of wire type 6 or 7; `field` came before it.
    case invalidTag(field: UInt32)
    /// A length of more than five bytes or above 2 GiB.
    case invalidLength(field: UInt32)
    /// A string that is not UTF-8.
    case invalidText(field: UInt32)
    /// An end of a group that did not start, or the wrong one.
    case unmatchedGroup(field: UInt32)
    /// Messages or groups nested deeper than ``WireReader/nestingMax``.
    case tooDeep(field: UInt32)

    /// The number of the field that was being read.
    package var field: UInt32 {
        switch self {
        case .truncated(let field), .overlongVarint(let field), .invalidTag(let field),
            .invalidLength(let field), .invalidText(let field), .unmatchedGroup(let field),
            .tooDeep(let field):
            field
        }
    }
}

extension WireError: CustomStringConvertible {
    /// What is wrong and where, without any of the bytes.
    @usableFromInline package var description: String {
        switch self {
        case .truncated(let field): "field \(field) is cut off"
        case .overlongVarint(let field): "field \(field) has an overlong varint"
        case .invalidTag(let field): "the tag after field \(field) is invalid"
        case .invalidLength(let field): "field \(field) has an invalid length"
        case .invalidText(let field): "field \(field) is not UTF-8"
        case .unmatchedGroup(let field): "group \(field) is not matched"
        case .tooDeep(let field): "field \(field) is nested too deeply"
        }
    }
}
