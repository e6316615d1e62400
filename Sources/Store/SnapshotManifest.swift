// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Base

/// What a snapshot holds, and the hashes to prove it: the file `MANIFEST`, one line each.
///
///     kassa-snapshot 1
///     format 1
///     sequence 4711
///     time 1763636400000000
///     entries 90210
///     file data.mdb 1048576 9f86d081...
///     end 60303ae2...
///
/// The last line is the SHA-256 of all before it. It tells damage; whoever can write the folder can
/// forge it, so a snapshot is as trustworthy as the place where it was kept.
package struct SnapshotManifest: Hashable, Sendable {
    /// One file of a snapshot.
    package struct File: Hashable, Sendable {
        /// Its path below the folder: names of letters, digits, `.`, `_` and `-`, joined by `/`.
        package var name: String
        /// Bytes.
        package var byteCount: UInt64
        /// The SHA-256 of its bytes, in hexadecimal.
        package var digest: String
    }

    /// The format version of the data.
    package var formatVersion: UInt64
    /// The write sequence of the last command that it holds.
    package var sequence: UInt64
    /// When it was begun.
    package var time: Timestamp
    /// Entries of all tables.
    package var entries: UInt64
    /// The data file first, then the caller's files in their order.
    package var files: [File]

    /// The manifest's own file in the folder.
    static let fileName = "MANIFEST"
    static let dataName = "data.mdb"
    /// Bytes of the largest manifest that is read.
    static let byteCountMax = 16 << 20
    static let filesMax = 65_536

    /// The file's text.
    var text: String {
        var lines = """
            kassa-snapshot 1
            format \(formatVersion)
            sequence \(sequence)
            time \(time.microseconds)
            entries \(entries)

            """
        for file in files { lines += "file \(file.name) \(file.byteCount) \(file.digest)\n" }
        return lines + "end \(Self.digest(of: lines))\n"
    }

    /// Reads the text of a manifest; nil if it is not one, whole and unchanged.
    init?(text: String) {
        guard text.hasSuffix("\n") else { return nil }
        let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 7, lines[0] == "kassa-snapshot 1" else { return nil }
        guard let end = Self.words("end", lines.last, 1),
            Self.digest(of: lines.dropLast().map { $0 + "\n" }.joined()) == end[0]
        else { return nil }
        guard let format = Self.words("format", lines[1], 1).flatMap({ UInt64($0[0]) }),
            let sequence = Self.words("sequence", lines[2], 1).flatMap({ UInt64($0[0]) }),
            let time = Self.words("time", lines[3], 1).flatMap({ Int64($0[0]) }),
            let entries = Self.words("entries", lines[4], 1).flatMap({ UInt64($0[0]) })
        else { return nil }
        formatVersion = format
        self.sequence = sequence
        self.time = Timestamp(microseconds: time)
        self.entries = entries
        files = []
        for line in lines[5..<(lines.count - 1)] {
            guard let words = Self.words("file", line, 3), let byteCount = UInt64(words[1]),
                Self.isSafe(name: words[0]), words[2].utf8.count == 2 * SHA256.byteCount
            else { return nil }
            files.append(File(name: words[0], byteCount: byteCount, digest: words[2]))
        }
        guard files.first?.name == Self.dataName, files.count <= Self.filesMax,
            Set(files.map(\.name)).count == files.count
        else { return nil }
    }

    init(
        formatVersion: UInt64, sequence: UInt64, time: Timestamp, entries: UInt64, files: [File]
    ) {
        self.formatVersion = formatVersion
        self.sequence = sequence
        self.time = time
        self.entries = entries
        self.files = files
    }

    /// Whether `name` stays below the folder and can stand in a line.
    static func isSafe(name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.count <= 4, name != fileName, name.utf8.count <= 255 else {
            return false
        }
        return parts.allSatisfy { part in
            part != "." && part != ".." && !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                    default: false
                    }
                }
        }
    }

    private static func digest(of text: String) -> String {
        hexadecimal(SHA256.digest(of: Array(text.utf8).span))
    }

    private static func words(_ name: String, _ line: Substring?, _ count: Int) -> [String]? {
        guard let words = line?.split(separator: " ", omittingEmptySubsequences: false),
            words.count == count + 1, words[0] == name
        else { return nil }
        return words.dropFirst().map { String($0) }
    }
}
