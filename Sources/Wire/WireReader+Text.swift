// SPDX-License-Identifier: Apache-2.0

extension WireReader {
    /// Reads a `string` and lends its bytes, which are UTF-8.
    @inlinable
    @_lifetime(copy self)
    package mutating func text() throws(WireError) -> UTF8Span {
        let bytes = try span()
        do {
            return try UTF8Span(validating: bytes)
        } catch {
            throw .invalidText(field: field)
        }
    }

    /// Reads a `string` and keeps where it is; its bytes are UTF-8.
    @inlinable
    package mutating func textRange() throws(WireError) -> ByteRange {
        let text = try text()
        return ByteRange(offset: position - text.count, count: text.count)
    }

    /// Reads a `string` as a copy.
    package mutating func string() throws(WireError) -> String {
        let text = try text()
        return String(copying: text)
    }

    /// Reads `bytes` as a copy.
    package mutating func byteArray() throws(WireError) -> [UInt8] {
        let bytes = try span()
        // Safe: the array is made from the span while it is lent.
        return unsafe bytes.withUnsafeBufferPointer { buffer in unsafe Array(buffer) }
    }
}
