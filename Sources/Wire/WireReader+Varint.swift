// SPDX-License-Identifier: Apache-2.0

extension WireReader {
    /// Reads a varint of up to ten bytes; bits above the 64th are dropped.
    @inlinable
    package mutating func varint() throws(WireError) -> UInt64 {
        guard position < end else { throw .truncated(field: field) }
        let first = bytes[position]
        if first < 0x80 {
            position += 1
            return UInt64(first)
        }
        return try longVarint(byteCountMax: 10, otherwise: .overlongVarint(field: field))
    }

    /// Reads a tag: at most five bytes and 32 bits.
    @inlinable
    mutating func tag() throws(WireError) -> UInt32 {
        let first = bytes[position]
        if first < 0x80 {
            position += 1
            return UInt32(first)
        }
        let value = try longVarint(byteCountMax: 5, otherwise: .invalidTag(field: field))
        guard let tag = UInt32(exactly: value) else { throw .invalidTag(field: field) }
        return tag
    }

    /// Reads a length: at most five bytes and 31 bits.
    @inlinable
    mutating func length() throws(WireError) -> Int {
        guard position < end else { throw .truncated(field: field) }
        let first = bytes[position]
        if first < 0x80 {
            position += 1
            return Int(first)
        }
        let value = try longVarint(byteCountMax: 5, otherwise: .invalidLength(field: field))
        guard let length = Int32(exactly: value) else { throw .invalidLength(field: field) }
        return Int(length)
    }

    /// Reads a varint of two bytes or more.
    @usableFromInline
    mutating func longVarint(
        byteCountMax: Int, otherwise error: WireError
    ) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        let limit = min(end - position, byteCountMax)
        for index in position..<position + limit {
            // Safe: `position + limit` is at most `end`, which is at most the span's count.
            let byte = unsafe bytes[unchecked: index]
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 {
                position = index + 1
                return value
            }
            shift &+= 7
        }
        throw limit < byteCountMax ? .truncated(field: field) : error
    }
}
