// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc

/// The file `sequence` in a data directory: a write sequence that the data file has held, synced.
///
/// A data file with a lower one is an older copy that somebody put in the place of the newer: to go on
/// from it would give sequences out twice. The note is never synced itself, so it may lag, and it is
/// written in the background, so it costs the writes nothing.
struct SequenceNote {
    static let fileName = "sequence"

    let path: String

    init(directory: String) {
        path = "\(directory)/\(Self.fileName)"
    }

    /// The sequence noted; nil if there is none that can be read.
    func read() -> UInt64? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe Glibc.read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let words = String(decoding: bytes[..<count], as: UTF8.self).split { $0.isWhitespace }
        guard words.count == 2, let sequence = UInt64(words[0]), let sum = UInt32(words[1]),
            sum == Self.checksum(sequence)
        else { return nil }
        return sequence
    }

    /// Notes `sequence`. A failure changes nothing but what the next start can notice.
    func write(_ sequence: UInt64) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        // Padded to one length, so that an older note leaves nothing behind it.
        let text = "\(sequence) \(Self.checksum(sequence))"
        let bytes = Array((text + String(repeating: " ", count: 40 - text.utf8.count) + "\n").utf8)
        _ = unsafe pwrite(file, bytes, bytes.count, 0)
    }

    private static func checksum(_ sequence: UInt64) -> UInt32 {
        CRC32C.checksum(Array("\(sequence)".utf8).span)
    }
}
