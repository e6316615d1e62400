// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Wire

/// What is kept of a write with an id.
///
/// ```
///  0  CRC-32C of bytes 4...   UInt32        16  SHA-256 of what it said
///  4  format version, zeros   UInt8, 3      48  the answer, a WriteResponse
///  8  time of the write, µs   Int64
/// ```
struct WriteRecord {
    static let formatVersion: UInt8 = 1
    static let headerByteCount = 48

    let time: Int64
    let digest: [UInt8]
    let answer: KassaV1.WriteResponse

    init(time: Int64, digest: [UInt8], answer: KassaV1.WriteResponse) {
        self.time = time
        self.digest = digest
        self.answer = answer
    }

    /// Reads a record; nil if it is damaged or of another format.
    init?(_ bytes: Span<UInt8>) {
        guard
            bytes.count >= Self.headerByteCount,
            bytes.load(at: 0, as: UInt32.self)
                == CRC32C.checksum(bytes.extracting(droppingFirst: 4)),
            bytes[4] == Self.formatVersion,
            let answer = try? KassaV1.WriteResponse(
                decoding: bytes.extracting(droppingFirst: Self.headerByteCount))
        else { return nil }
        time = bytes.load(at: 8)
        digest = (16..<Self.headerByteCount).map { bytes[$0] }
        self.answer = answer
    }

    /// The record as it is stored.
    var encoded: [UInt8] {
        var kept = answer
        kept.sequence = 0
        kept.repeatedAnswer = true
        var answerBytes = kept.encodedBytes()
        while answerBytes.count > WriteID.answerByteCountMax, !kept.errors.isEmpty {
            kept.errors.removeLast(max(1, kept.errors.count / 2))
            answerBytes = kept.encodedBytes()
        }
        var bytes = [UInt8](repeating: 0, count: Self.headerByteCount) + answerBytes
        bytes.replaceSubrange(16..<Self.headerByteCount, with: digest)
        var span = bytes.mutableSpan
        span[4] = Self.formatVersion
        span.store(time, at: 8)
        let checksum = CRC32C.checksum(span.span.extracting(droppingFirst: 4))
        span.store(checksum, at: 0)
        return bytes
    }
}
