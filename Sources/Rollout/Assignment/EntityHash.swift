// SPDX-License-Identifier: Apache-2.0

/// The frozen hash of assignments: `H(salt, unit) = fmix64(FNV1a64(salt ‖ 0x1F ‖ unit))`.
///
/// Its values are part of the store's format: an entity keeps its slot over restarts and releases, so
/// the function never changes. It is not `Hasher`, whose seed differs in every process. FNV-1a alone
/// has dependent high bits; MurmurHash3's `fmix64` behind it makes them uniform, and independent from
/// one salt to the next. The salt's share is computed once, a request hashes only its key.
@usableFromInline package struct EntityHash: Hashable, Sendable {
    /// The state of FNV-1a behind the salt and the separator.
    @usableFromInline let state: UInt64

    /// The hash with `salt`, the name of one draw: a rollout.
    package init(salt: String) {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in salt.utf8 { state = (state ^ UInt64(byte)) &* Self.prime }
        self.state = (state ^ 0x1F) &* Self.prime
    }

    @usableFromInline static var prime: UInt64 { 0x0000_0100_0000_01B3 }

    /// The hash of `unit`, uniform over all 64-bit numbers.
    /// - Complexity: O(bytes of `unit`); allocates nothing.
    @inlinable
    package func callAsFunction(_ unit: Span<UInt8>) -> UInt64 {
        var hash = state
        for index in unit.indices { hash = (hash ^ UInt64(unit[index])) &* Self.prime }
        hash ^= hash >> 33
        hash = hash &* 0xFF51_AFD7_ED55_8CCD
        hash ^= hash >> 33
        hash = hash &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}
