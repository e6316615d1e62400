// SPDX-License-Identifier: Apache-2.0

internal import Base

/// The form of the references that documents make.
enum Names {
    /// Whether `text` is a name pinned to a version from 1: "cart@3".
    static func isPinned(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, Name.isValid(parts[0]),
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), parts[1].utf8.first != 0x30
        else { return false }
        return UInt32(parts[1]) != nil
    }
}
