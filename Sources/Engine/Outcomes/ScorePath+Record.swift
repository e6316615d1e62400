// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Rollout
internal import Wire

/// Scores that are kept for their outcomes.
extension Worker {
    /// Gives the reply an id; what is to be handed to the recorder under it, completed by the other
    /// model's score if there is one. Neither when the loop's ring is full.
    mutating func record(
        _ score: Double, by lane: ScoreLane, _ message: Span<UInt8>, at now: Timestamp,
        into writer: inout WireWriter
    ) -> RecordedScore? {
        guard let id = recorder.reserve(scorer: message.extracting(request.scorer), at: now) else {
            return nil
        }
        writer.tag(KassaV1.ScoreResponse.Field.scoreId, .lengthDelimited)
        writer.varint(UInt64(2 * ScoreID.byteCount))
        for index in 0..<2 * ScoreID.byteCount { writer.buffer.append(id.digit(index)) }
        let scorer = lane.scorer
        let unit = unit(of: lane.split, message)
        // 0 where there is neither a routing key nor the scorer's entity.
        let entity = unit.map { unsalted(message.extracting($0)) } ?? 0
        let bundle = scorer.model.bundlePrefix
        let number = UInt8(truncatingIfNeeded: scorer.slot.rawValue)
        var record = RecordedScore(
            id: id, entity: entity, stable: score, stableBundle: bundle,
            slot: number)
        // STABLE's numbers are of what STABLE has; PREVIOUS may answer in its place.
        if scorer.slot != .stable {
            record.stable = .nan
            record.stableBundle = 0
            record.candidate = score
            record.candidateBundle = bundle
            record.candidateSlot = number
        }
        return record
    }
}

/// The hash of entities in recorded scores.
private let unsalted = EntityHash(salt: "")

extension Model {
    /// The first eight bytes of the bundle's SHA-256, big-endian.
    var bundlePrefix: UInt64 {
        var prefix: UInt64 = 0
        for index in 0..<min(8, bundleDigest.count) {
            prefix = prefix << 8 | UInt64(bundleDigest[index])
        }
        return prefix
    }
}
