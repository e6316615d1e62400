// SPDX-License-Identifier: Apache-2.0

internal import Base

/// A feature set as requests name it: "cart@3", or "cart" for the newest version.
package struct FeatureSetReference: Hashable, Sendable {
    /// The set's name.
    package let name: String
    /// 0 means the newest.
    package let version: UInt32

    /// Reads "cart@3" or "cart"; nil if it is neither.
    package init?(_ text: String) {
        guard let at = text.utf8.firstIndex(of: 64) else {
            guard Name.isValid(text) else { return nil }
            self.name = text
            self.version = 0
            return
        }
        let name = String(text[..<at])
        let digits = text[text.utf8.index(after: at)...]
        guard
            Name.isValid(name), let first = digits.utf8.first, (49...57).contains(first),
            let version = UInt32(digits)
        else { return nil }
        self.name = name
        self.version = version
    }
}
