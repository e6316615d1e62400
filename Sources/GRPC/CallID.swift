// SPDX-License-Identifier: Apache-2.0

/// Names a call of one session for as long as it lives; an id of a call that ended finds nothing.
package struct CallID: Hashable, Sendable {
    /// Place of the call in its session's table.
    package let slot: UInt32
    /// Tells apart the calls that used the same slot.
    package let generation: UInt32

    /// The id with these parts, for whoever stores it as plain integers.
    package init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}
