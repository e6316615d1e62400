// SPDX-License-Identifier: Apache-2.0

internal import Base

/// What becomes of an outcome.
package enum OutcomeVerdict: Hashable, Sendable {
    /// It is the score's label from now on.
    case accepted
    /// It is the label that the score has.
    case duplicate
    /// The score has the other label, which stays.
    case conflicting
    /// No score of that id is kept.
    case unknown
    /// The score is past its horizon.
    case late
}

/// A recorded score with what is known of its outcome: the join of the two, as a value.
///
/// Time is not in it. Whoever keeps it says when it matures (``mature(absent:)``), once; from then on a
/// label counts as it comes.
package struct KeptScore: Sendable {
    /// What is known of the outcome.
    package enum Outcome: UInt8, Sendable {
        case open = 0
        case negative = 1
        case positive = 2
        /// Nothing had been heard at maturity, which was taken for a no.
        case silent = 3

        /// The label; nil while there is none.
        package var label: Bool? {
            switch self {
            case .open: nil
            case .negative, .silent: false
            case .positive: true
            }
        }
    }

    /// The score.
    package let score: RecordedScore
    /// What is known of it.
    package private(set) var outcome: Outcome
    /// When it happened, as the caller said, in microseconds; 0 without a label.
    package private(set) var outcomeMicroseconds: Int64

    /// A score of which nothing is known yet.
    package init(_ score: RecordedScore) {
        self.score = score
        outcome = .open
        outcomeMicroseconds = 0
    }

    /// Takes a label: the first one stays.
    package mutating func take(_ label: Bool, at microseconds: Int64) -> OutcomeVerdict {
        if let known = outcome.label { return known == label ? .duplicate : .conflicting }
        outcome = label ? .positive : .negative
        outcomeMicroseconds = microseconds
        return .accepted
    }

    /// The label that counts, now that the score has matured; nil if it goes on waiting for one.
    package mutating func mature(absent: OutcomePolicy.Absent) -> MaturedLabel? {
        if outcome == .open && absent == .negative { outcome = .silent }
        return outcome.label.map { MaturedLabel(score: score, label: $0, isOnTime: true) }
    }

    /// The label that counts at once, because the score had matured before it came.
    package var lateLabel: MaturedLabel? {
        outcome.label.map { MaturedLabel(score: score, label: $0, isOnTime: false) }
    }
}

extension KeptScore {
    /// Bytes of a stored score, without its id, which is the key.
    package static let byteCount = 64
    private static let version: UInt8 = 1

    /// The bytes that are stored under the id: little-endian, the CRC-32C of id and bytes last.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        func put(_ value: UInt64) {
            for index in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
            }
        }
        put(score.rollout)
        put(score.entity)
        put(score.stable.bitPattern)
        put(score.candidate.bitPattern)
        put(score.stableBundle)
        put(score.candidateBundle)
        put(UInt64(bitPattern: outcomeMicroseconds))
        bytes += [score.slot | score.candidateSlot << 4, outcome.rawValue, Self.version, 0]
        let sum = Self.checksum(bytes.span, score.id)
        for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: sum >> UInt32(8 * index))) }
        return bytes
    }

    /// The score that `bytes` say under `id`; nil if they are damaged or of a release that is not known.
    package init?(_ bytes: Span<UInt8>, id: ScoreID) {
        guard bytes.count == Self.byteCount, bytes[58] == Self.version,
            let outcome = Outcome(rawValue: bytes[57])
        else { return nil }
        let words = (0..<8).map { Self.word(bytes, $0) }
        let sum = UInt32(truncatingIfNeeded: words[7] >> 32)
        guard Self.checksum(bytes.extracting(0..<60), id) == sum else { return nil }
        score = RecordedScore(
            id: id, rollout: words[0], entity: words[1], stable: Double(bitPattern: words[2]),
            candidate: Double(bitPattern: words[3]), stableBundle: words[4],
            candidateBundle: words[5], slot: bytes[56] & 15, candidateSlot: bytes[56] >> 4)
        outcomeMicroseconds = Int64(bitPattern: words[6])
        self.outcome = outcome
    }

    private static func word(_ bytes: Span<UInt8>, _ index: Int) -> UInt64 {
        var word: UInt64 = 0
        for offset in 0..<8 { word |= UInt64(bytes[8 * index + offset]) << UInt64(8 * offset) }
        return word
    }

    private static func checksum(_ bytes: Span<UInt8>, _ id: ScoreID) -> UInt32 {
        let key = id.bytes
        return CRC32C.checksum(bytes, continuing: CRC32C.checksum(key.span))
    }
}
