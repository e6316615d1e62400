// SPDX-License-Identifier: Apache-2.0

/// Names a connection of one loop for as long as it lives; a stale id finds nothing.
package struct ConnectionID: Hashable, Sendable {
    /// The place in the loop's table and the generation of its use.
    package let rawValue: UInt64

    /// The id with this raw value, for whoever stores it as a plain integer.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init(slot: Int, generation: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(UInt32(truncatingIfNeeded: slot))
    }

    var slot: Int { Int(rawValue & 0xFFFF_FFFF) }
}
