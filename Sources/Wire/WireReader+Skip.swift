// SPDX-License-Identifier: Apache-2.0

extension WireReader {
    /// Steps over the value of a field that the caller does not know.
    package mutating func skip(_ tag: WireTag) throws(WireError) {
        switch tag.type {
        case .varint: _ = try varint()
        case .fixed64: try advance(8)
        case .lengthDelimited: _ = try byteRange()
        case .startGroup: try skipGroup(tag.field)
        case .endGroup: throw .unmatchedGroup(field: tag.field)
        case .fixed32: try advance(4)
        }
    }

    /// Steps over all that is left, of a message that has no fields.
    ///
    /// As in upb, field 0 is refused among fields that are looked up, and let pass where none is:
    /// here and in groups.
    package mutating func skipRest() throws(WireError) {
        while position < end {
            let tag = try anyTag()
            if tag.type == .endGroup { throw .unmatchedGroup(field: tag.field) }
            try skip(tag)
        }
    }

    private mutating func anyTag() throws(WireError) -> WireTag {
        let rawValue = try tag()
        guard let tag = WireTag(rawValue: rawValue) else { throw .invalidTag(field: field) }
        field = tag.field
        return tag
    }

    private mutating func advance(_ byteCount: Int) throws(WireError) {
        guard end - position >= byteCount else { throw .truncated(field: field) }
        position += byteCount
    }

    /// Steps over a group and all it holds. Its depth, and so this recursion, is bounded by `budget`.
    private mutating func skipGroup(_ number: UInt32) throws(WireError) {
        guard budget > 0 else { throw .tooDeep(field: number) }
        budget -= 1
        defer { budget += 1 }
        while position < end {
            let tag = try anyTag()
            guard tag.type == .endGroup else {
                try skip(tag)
                continue
            }
            guard tag.field == number else { throw .unmatchedGroup(field: tag.field) }
            return
        }
        throw .truncated(field: number)
    }
}
