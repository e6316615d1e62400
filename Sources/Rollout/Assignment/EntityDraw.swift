// SPDX-License-Identifier: Apache-2.0

/// A second draw of an entity, independent of the one that has chosen its arm: who is watched.
///
/// The assignment's hash decides who answers, so its high bits say which arm an entity is on. Mixed anew
/// they say nothing of it: of any share of the draws, each arm has as large a part as of all entities.
/// Shares are nested: who is watched at a small share is at every larger one.
@usableFromInline package enum EntityDraw {
    /// The draw of the entity with this assignment hash, uniform over all 64-bit numbers.
    @inlinable @inline(__always)
    package static func of(_ entity: UInt64) -> UInt64 {
        var hash = entity ^ 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        return hash ^ hash >> 31
    }

    /// A third draw, independent of the one that says who is watched: whose requests both models score, where
    /// a rule says that of a share.
    ///
    /// With one draw for both, a budget that leaves out the largest draws would leave out nobody of a small share.
    @inlinable @inline(__always)
    package static func ofPairs(of entity: UInt64) -> UInt64 { of(of(entity)) }

    /// The largest draw of those that belong to a share, 0 to 1.
    package static func largest(ofShare share: Double) -> UInt64 {
        if share >= 1 { return .max }
        return share > 0 ? UInt64(share * 0x1p64) : 0
    }
}
