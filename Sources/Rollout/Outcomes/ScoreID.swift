// SPDX-License-Identifier: Apache-2.0

/// The name of a recorded score: what was asked, when, and a number that no other score has.
///
/// Sixteen bytes, whose order is the order of prediction within a scorer: four of a hash of the scorer's
/// name, seven of the time in microseconds, five that tell apart what came in one microsecond. A store
/// that is sorted by them needs no index to find what has matured.
package struct ScoreID: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Bytes of an id.
    package static let byteCount = 16
    /// The last moment that an id can hold, in the year 4253.
    package static let microsecondsMax: Int64 = 1 << 56 - 1
    /// The greatest number that tells ids of one microsecond apart.
    package static let serialMax: UInt64 = 1 << 40 - 1

    private let high: UInt64
    private let low: UInt64

    /// An id; the time is clamped to 0...``microsecondsMax``, of `serial` the low 40 bits count.
    package init(lane: UInt32, microseconds: Int64, serial: UInt64) {
        let time = UInt64(min(max(microseconds, 0), Self.microsecondsMax))
        high = UInt64(lane) << 32 | time >> 24
        low = (time & 0xFF_FFFF) << 40 | serial & Self.serialMax
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The greatest id of a lane whose score is not younger than `microseconds`.
    package static func last(lane: UInt32, microseconds: Int64) -> ScoreID {
        ScoreID(lane: lane, microseconds: microseconds, serial: serialMax)
    }

    /// The hash of the scorer's name.
    package var lane: UInt32 { UInt32(truncatingIfNeeded: high >> 32) }

    /// When it was scored, in microseconds since 1970.
    package var microseconds: Int64 {
        Int64((high & 0xFFFF_FFFF) << 24 | low >> 40)
    }

    /// The id after this one, in the order of ids.
    package var next: ScoreID {
        ScoreID(high: low == .max ? high &+ 1 : high, low: low &+ 1)
    }

    /// The lane of a scorer: the upper half of ``EntityHash`` without salt.
    package static func lane(of scorer: Span<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: EntityHash(salt: "")(scorer) >> 32)
    }

    /// Whether `left` comes first among stored bytes: by lane, then by time.
    package static func < (left: ScoreID, right: ScoreID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension ScoreID {
    /// The sixteen bytes, the most significant first.
    package var bytes: [UInt8] {
        (0..<Self.byteCount).map { byte($0) }
    }

    /// The byte at `index`, 0 to 15.
    package func byte(_ index: Int) -> UInt8 {
        let half = index < 8 ? high : low
        return UInt8(truncatingIfNeeded: half >> UInt64(8 * (7 - index % 8)))
    }

    /// The id with these bytes; nil unless there are sixteen.
    package init?(bytes: Span<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var halves = (UInt64(0), UInt64(0))
        for index in 0..<8 {
            halves.0 = halves.0 << 8 | UInt64(bytes[index])
            halves.1 = halves.1 << 8 | UInt64(bytes[index + 8])
        }
        self.init(high: halves.0, low: halves.1)
    }

    /// The ASCII digit at `index`, 0 to 31, of the id in hexadecimal.
    package func digit(_ index: Int) -> UInt8 {
        let byte = byte(index / 2)
        let nibble = index % 2 == 0 ? byte >> 4 : byte & 15
        return nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10
    }

    /// The id that 32 hexadecimal digits say, in either case; nil for anything else.
    package init?(hexadecimal text: String) {
        guard text.utf8.count == 2 * Self.byteCount else { return nil }
        var halves: [UInt64] = [0, 0]
        for (index, digit) in text.utf8.enumerated() {
            let nibble: UInt8
            switch digit {
            case 0x30...0x39: nibble = digit - 0x30
            case 0x61...0x66: nibble = digit - 0x61 + 10
            case 0x41...0x46: nibble = digit - 0x41 + 10
            default: return nil
            }
            halves[index / 16] = halves[index / 16] << 4 | UInt64(nibble)
        }
        self.init(high: halves[0], low: halves[1])
    }

    /// The id as 32 hexadecimal digits.
    package var hexadecimal: String {
        String(decoding: (0..<2 * Self.byteCount).map { digit($0) }, as: UTF8.self)
    }
}
