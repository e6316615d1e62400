// SPDX-License-Identifier: Apache-2.0

/// A list of strings as it lies in a row's tail: for each its length (UInt16, little-endian) and its UTF-8.
enum StringListBytes {
    /// Why a list cannot be stored; nil if it can.
    static func refusal(of list: [String]) -> String? {
        guard list.count <= FeatureLimits.listCountMax else {
            return "has more than \(FeatureLimits.listCountMax) strings"
        }
        var byteCount = 0
        for text in list { byteCount += 2 + text.utf8.count }
        guard byteCount <= FeatureLimits.listByteCountMax else {
            return "is longer than \(FeatureLimits.listByteCountMax) bytes"
        }
        return nil
    }

    /// Appends a list that can be stored.
    static func append(_ list: [String], to bytes: inout [UInt8]) {
        for text in list {
            let utf8 = text.utf8Span.span
            bytes.append(UInt8(truncatingIfNeeded: utf8.count))
            bytes.append(UInt8(truncatingIfNeeded: utf8.count >> 8))
            unsafe utf8.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        }
    }

    /// Calls `body` with the UTF-8 of each string of the list that `bytes` hold; false if they hold none.
    static func forEach(_ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Void) -> Bool {
        var offset = 0
        while offset < bytes.count {
            guard bytes.count - offset >= 2 else { return false }
            let byteCount = Int(bytes.load(at: offset, as: UInt16.self))
            offset += 2
            guard bytes.count - offset >= byteCount else { return false }
            let text = bytes.extracting(offset..<offset + byteCount)
            guard (try? UTF8Span(validating: text)) != nil else { return false }
            body(text)
            offset += byteCount
        }
        return true
    }
}
