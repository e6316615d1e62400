// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Rollout
internal import Store

/// How far the scores of one scorer have matured, and how many are kept.
///
/// Stored with every change of the scores that it counts, under the lane's four bytes in `calibrations`.
struct LaneState: Equatable, Sendable {
    /// Up to here every score has matured; nothing is added before it.
    var matureUpTo: ScoreID
    /// Scores kept.
    var keptCount: UInt64 = 0
    /// Of them, scores behind ``matureUpTo``.
    var openCount: UInt64 = 0

    static let byteCount = 36

    init(lane: UInt32) {
        matureUpTo = ScoreID(lane: lane, microseconds: 0, serial: 0)
    }

    /// The bytes of a lane as keys begin with them.
    static func key(_ lane: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: lane >> UInt32(24 - 8 * $0)) }
    }

    private var bytes: [UInt8] {
        var bytes = matureUpTo.bytes + integerBytes(keptCount) + integerBytes(openCount)
        let sum = CRC32C.checksum(bytes.span)
        for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: sum >> UInt32(8 * index))) }
        return bytes
    }

    /// What `bytes` say; nil if they are damaged.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count == Self.byteCount,
            readInteger(bytes.extracting(32..<36))
                == UInt64(
                    CRC32C.checksum(bytes.extracting(0..<32))),
            let id = ScoreID(bytes: bytes.extracting(0..<16))
        else { return nil }
        matureUpTo = id
        keptCount = readInteger(bytes.extracting(16..<24))
        openCount = readInteger(bytes.extracting(24..<32))
    }

    /// The state of `lane`; one that is damaged begins anew, as far as its scores allow.
    static func read(
        _ lane: UInt32, in transaction: borrowing WriteTransaction, _ tables: EngineTables
    ) throws(StoreError) -> LaneState {
        let key = key(lane)
        guard let bytes = try transaction.value(forKey: key.span, in: tables.calibrations) else {
            return LaneState(lane: lane)
        }
        return LaneState(bytes) ?? LaneState(lane: lane)
    }

    func write(
        in transaction: inout WriteTransaction, _ tables: EngineTables
    ) throws(StoreError) {
        let key = Self.key(matureUpTo.lane)
        let value = bytes
        try transaction.put(value.span, forKey: key.span, in: tables.calibrations)
    }
}
