// SPDX-License-Identifier: Apache-2.0

/// A number that the store keeps for itself in the table `meta`.
///
/// Stored as 8 little-endian bytes.
enum MetaKey {
    /// The format version of the data directory.
    case format
    /// The write sequence of the last command that was committed.
    case sequence

    fileprivate var name: StaticString {
        switch self {
        case .format: "store.format"
        case .sequence: "store.sequence"
        }
    }
}

extension WriteTransaction {
    /// The number under `key`; nil if there is none.
    func number(_ key: MetaKey, in meta: Table) throws(StoreError) -> UInt64? {
        try value(forKey: key.bytes, in: meta)?.littleEndianNumber
    }

    /// Stores `number` under `key`.
    mutating func put(_ number: UInt64, _ key: MetaKey, in meta: Table) throws(StoreError) {
        let bytes: [8 of UInt8] = .init { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
        try put(bytes.span, forKey: key.bytes, in: meta)
    }
}

extension ReadTransaction {
    /// The number under `key`; nil if there is none.
    func number(_ key: MetaKey, in meta: Table) throws(StoreError) -> UInt64? {
        try value(forKey: key.bytes, in: meta)?.littleEndianNumber
    }
}

extension MetaKey {
    /// Whether it is stored under `key`.
    func isEqual(to key: Span<UInt8>) -> Bool {
        let bytes = bytes
        guard bytes.count == key.count else { return false }
        for index in key.indices where key[index] != bytes[index] { return false }
        return true
    }

    /// The key as it is stored.
    fileprivate var bytes: Span<UInt8> {
        @_lifetime(immortal)
        get {
            // Safe: a static string lives as long as the process.
            let span = unsafe Span(
                _unsafeStart: name.utf8Start, count: name.utf8CodeUnitCount)
            return unsafe _overrideLifetime(span, copying: ())
        }
    }
}

extension Span<UInt8> {
    /// The number in the first 8 bytes; nil if there are fewer.
    var littleEndianNumber: UInt64? {
        guard count >= 8 else { return nil }
        return (0..<8).reduce(0) { $0 | UInt64(self[$1]) << UInt64(8 * $1) }
    }
}
