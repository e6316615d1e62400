// SPDX-License-Identifier: Apache-2.0

/// The share of a scorer's entities that a canary answers, in millionths.
///
/// Nested: an entity that is in at some weight is in at every greater one, so raising the weight moves
/// entities only from stable to canary.
@usableFromInline package struct Weight: Hashable, Comparable, Sendable {
    /// 0 to 1,000,000.
    @usableFromInline package let millionths: UInt32

    /// All entities, in millionths.
    @usableFromInline package static let wholeMillionths: UInt32 = 1_000_000
    /// No entity.
    package static let none = Weight(unchecked: 0)
    /// Every entity.
    package static let whole = Weight(unchecked: wholeMillionths)

    private init(unchecked millionths: UInt32) {
        self.millionths = millionths
    }

    /// That many millionths; nil above ``wholeMillionths``.
    package init?(millionths: UInt32) {
        guard millionths <= Self.wholeMillionths else { return nil }
        self.init(unchecked: millionths)
    }

    /// A percentage; nil unless it is from 0 to 100 in steps of 0.0001.
    package init?(percent: Double) {
        let scaled = percent * 10_000
        guard scaled.isFinite, (0...Double(Self.wholeMillionths)).contains(scaled) else {
            return nil
        }
        let nearest = scaled.rounded()
        guard abs(scaled - nearest) < 1e-6 else { return nil }
        self.init(unchecked: UInt32(nearest))
    }

    /// The weight as a percentage, 0 to 100.
    package var percent: Double { Double(millionths) / 10_000 }

    /// Whether the entity with this ``EntityHash`` is in: `hash / 2^64 < weight`, exactly.
    @inlinable
    package func includes(_ hash: UInt64) -> Bool {
        hash.multipliedFullWidth(by: UInt64(Self.wholeMillionths)).high < UInt64(millionths)
    }

    /// Whether `left` is the smaller share.
    @inlinable
    package static func < (left: Weight, right: Weight) -> Bool {
        left.millionths < right.millionths
    }
}

extension Weight: CustomStringConvertible {
    /// "5%", "0.25%".
    @usableFromInline package var description: String {
        let whole = millionths / 10_000
        let rest = millionths % 10_000
        guard rest > 0 else { return "\(whole)%" }
        var digits = String(rest + 10_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)%"
    }
}
