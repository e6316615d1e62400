// SPDX-License-Identifier: Apache-2.0

/// A versioned thing as requests name it: "cart@3", or "cart" for the newest version.
package struct VersionedName: Hashable, Sendable {
    /// The name, which obeys the rule of ``Name``.
    package let name: String
    /// The version; 0 means the newest.
    package let version: UInt32

    /// Reads "cart@3" or "cart"; nil if it is neither: "cart@03" and "cart@+3" name nothing.
    package init?(_ text: String) {
        guard let at = text.utf8.firstIndex(of: UInt8(ascii: "@")) else {
            guard Name.isValid(text) else { return nil }
            name = text
            version = 0
            return
        }
        let name = String(text[..<at])
        let digits = text[text.utf8.index(after: at)...]
        guard
            Name.isValid(name), let first = digits.utf8.first,
            (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first),
            let version = UInt32(digits)
        else { return nil }
        self.name = name
        self.version = version
    }
}
