// SPDX-License-Identifier: Apache-2.0

/// Checks that keys come in strictly ascending order of bytes, as LMDB keeps them.
struct KeyOrder {
    /// The last key accepted; empty before the first.
    private(set) var last: [UInt8] = []
    private(set) var count: UInt64 = 0
    /// Whether every key so far was in order.
    private(set) var isKept = true

    /// Takes `key` in; false if it is not above the last one.
    mutating func accepts(_ key: Span<UInt8>) -> Bool {
        guard isKept && (count == 0 || isAbove(key)) else {
            isKept = false
            return false
        }
        last.removeAll(keepingCapacity: true)
        for index in key.indices { last.append(key[index]) }
        count += 1
        return true
    }

    private func isAbove(_ key: Span<UInt8>) -> Bool {
        for index in 0..<min(last.count, key.count) where last[index] != key[index] {
            return key[index] > last[index]
        }
        return key.count > last.count
    }
}
