// SPDX-License-Identifier: Apache-2.0

/// The form of the names that documents give and use.
enum Names {
    /// Bytes of a name.
    static let bytesMax = 64

    /// Whether `text` is `[a-z][a-z0-9_]*` of at most ``bytesMax`` bytes.
    static func isName(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7A).contains(first),
            text.utf8.count <= bytesMax
        else { return false }
        return text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
        }
    }

    /// Whether `text` is a name pinned to a version from 1: "cart@3".
    static func isPinned(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, isName(parts[0]),
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), parts[1].utf8.first != 0x30
        else { return false }
        return UInt32(parts[1]) != nil
    }
}
