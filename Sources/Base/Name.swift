// SPDX-License-Identifier: Apache-2.0

/// The rule for names of feature sets, features, entity kinds, models and scorers.
package enum Name {
    /// Bytes of the longest name.
    package static let byteCountMax = 64

    /// The rule in words, to end a sentence that starts with the field.
    package static let rule = "must be [a-z][a-z0-9_]*, up to 64 bytes"

    /// Whether `name` is `[a-z][a-z0-9_]*` and short enough.
    package static func isValid(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.count <= byteCountMax
            && name.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 95 }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (97...122).contains(byte)
    }
}
