// SPDX-License-Identifier: Apache-2.0

/// Why a server does not start, in words that say what to do.
package struct ServerError: Error, CustomStringConvertible {
    /// The words.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
