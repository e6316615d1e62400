// SPDX-License-Identifier: Apache-2.0

/// Which write ids are forgotten: those older than their lifetime, and the oldest when there are too many.
///
/// Scan the table for keys that begin with ``prefix``; they come oldest first. For each that
/// ``forgets(_:)`` delete it and ``recordKey(of:)``, and stop at the first that stays.
package struct WriteIDExpiry: Sendable {
    /// What the keys to scan begin with.
    package static let prefix: [UInt8] = [2]

    private let now: Int64
    private var surplus: Int

    /// - Parameter count: ids known: half of the table's entries.
    package init(now: Int64, count: Int) {
        self.now = now
        surplus = max(0, count - WriteID.countMax)
    }

    /// Whether the id under `key`, the next in order, is forgotten.
    package mutating func forgets(_ key: Span<UInt8>) -> Bool {
        guard key.count == 41, key[0] == 2 else { return false }
        var bits: UInt64 = 0
        for index in 1..<9 { bits = bits << 8 | UInt64(key[index]) }
        let time = Int64(clamping: bits)
        guard surplus > 0 || now &- time > WriteID.lifetimeMicroseconds else { return false }
        surplus = max(0, surplus - 1)
        return true
    }

    /// The key of the record that belongs to a key of the order.
    package static func recordKey(of key: Span<UInt8>) -> [UInt8] {
        [1] + (9..<max(9, key.count)).map { key[$0] }
    }
}
