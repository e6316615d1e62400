// SPDX-License-Identifier: Apache-2.0

/// What a row says about a column: the two bits of its presence.
package enum Presence: UInt8, Sendable {
    case absent = 0
    case null = 1
    case present = 2

    /// The presence word of 32 columns that all have a value.
    package static let allPresent: UInt64 = 0xAAAA_AAAA_AAAA_AAAA
}
