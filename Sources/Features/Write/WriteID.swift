// SPDX-License-Identifier: Apache-2.0

package import API
internal import Base
internal import Crypto
internal import Wire

/// A write's own name, which makes a retry of it safe, with what the write said.
///
/// Merging is idempotent by itself: what the name adds is that a retry is *answered* as the first time, and
/// that another write under the same name is refused. Made on a loop; the writer decides.
///
/// ```swift
/// let id = try WriteID(request)                                  // a loop; nil without write_id
/// switch id.decide(transaction.value(forKey: id.key, in: writeIDs), now: now) {
/// case .new: apply; put(id.record(response, at: now), key: id.key); put([0], key: id.expiryKey(at: now))
/// case .repeated(let response): answer with it
/// case .conflict: ALREADY_EXISTS
/// }
/// ```
package struct WriteID: Hashable, Sendable {
    /// Bytes of a write id.
    package static let byteCountMax = 128
    /// How long an id is known, in microseconds: a day.
    package static let lifetimeMicroseconds: Int64 = 86_400_000_000
    /// Ids known at a time; when there are more, the oldest are forgotten first.
    package static let countMax = 1_000_000
    /// Bytes of a kept answer; of a longer one the errors of the last rows are left out.
    package static let answerByteCountMax = 16_384

    /// The key of the id's record: 1 and the SHA-256 of the feature set's name, a zero, and the id.
    package let key: [UInt8]
    /// The SHA-256 of what the write says: all of the request but sequence, durability and the id.
    package let digest: [UInt8]

    /// The id of a request; nil if it has none.
    ///
    /// - Throws: ``FieldError`` if it is too long.
    /// - Complexity: O(bytes of the request).
    package init?(_ request: KassaV1.WriteRequest) throws(FieldError) {
        guard !request.writeId.isEmpty else { return nil }
        guard request.writeId.utf8.count <= Self.byteCountMax else {
            throw FieldError(
                field: "write_id", reason: "is longer than \(Self.byteCountMax) bytes")
        }
        // "cart" and "cart@3" are one feature set; which version is meant is part of what is said.
        let name = request.featureSet.prefix { $0 != "@" }
        key = [1] + SHA256.digest(of: (Array(name.utf8) + [0] + Array(request.writeId.utf8)).span)
        var content = request
        content.sequence = 0
        content.durability = .fast
        content.writeId = ""
        digest = SHA256.digest(of: content.encodedBytes().span)
    }

    /// Decides what a write is, from the record under its key, if there is one.
    ///
    /// A record that is over or damaged makes a write new: it is then merged again, which changes nothing
    /// that was merged before.
    package func decide(_ stored: Span<UInt8>?, now: Int64) -> WriteDecision {
        guard let stored, let record = WriteRecord(stored) else { return .new }
        guard now &- record.time <= Self.lifetimeMicroseconds else { return .new }
        guard record.digest == digest else { return .conflict }
        return .repeated(record.answer)
    }

    /// What to keep under ``key`` once the write is applied.
    package func record(_ answer: KassaV1.WriteResponse, at now: Int64) -> [UInt8] {
        WriteRecord(time: now, digest: digest, answer: answer).encoded
    }

    /// The key under which nothing matters but the order in which ids are forgotten: 2, the time
    /// (big-endian), and the hash of ``key``.
    package func expiryKey(at time: Int64) -> [UInt8] {
        let bits = UInt64(clamping: time)
        return [2]
            + stride(from: 56, through: 0, by: -8).map { shift in
                UInt8(truncatingIfNeeded: bits >> UInt64(shift))
            } + key.dropFirst()
    }
}
