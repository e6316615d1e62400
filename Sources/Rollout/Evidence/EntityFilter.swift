// SPDX-License-Identifier: Apache-2.0

/// A fixed-size memory of which entities have spoken.
///
/// A block-split Bloom filter: one cache line and eight bits per key (Putze, Sanders and Singler 2007,
/// "Cache-, hash- and space-efficient Bloom filters"). It forgets nobody by itself and never grows. Its one error
/// is to take a new entity for a known one, whatever arm it is on: an event is then dropped, evidence
/// grows more slowly, and nothing is ever rolled back for it. At 16 bits an entity 0.1 % are dropped,
/// at 4 bits about 40 %.
package struct EntityFilter: Equatable, Sendable {
    private(set) var words: [UInt64]
    private let seed: UInt64

    /// An empty filter.
    ///
    /// - Parameters:
    ///   - byteCount: a power of two between the limits of ``EvidenceLimits``.
    ///   - seed: makes the entities that are mistaken for each other others in every rollout.
    package init(byteCount: Int, seed: UInt64) {
        precondition(byteCount >= EvidenceLimits.filterBytesMin)
        precondition(byteCount <= EvidenceLimits.filterBytesMax)
        precondition(byteCount & (byteCount - 1) == 0)
        words = [UInt64](repeating: 0, count: byteCount / 8)
        self.seed = seed
    }

    init(words: [UInt64], seed: UInt64) {
        self.words = words
        self.seed = seed
    }

    /// Remembers an entity in a role; whether it was surely not there before.
    ///
    /// - Complexity: one cache line; allocates nothing.
    @inline(__always)
    package mutating func insert(_ entity: UInt64, role: UInt64 = 0) -> Bool {
        let key = Self.mixed(Self.mixed(entity ^ seed) &+ role)
        let block = Int(truncatingIfNeeded: key) & (words.count / 8 - 1)
        var bits = Self.mixed(key)
        var isNew = false
        var span = words.mutableSpan
        for index in block * 8..<block * 8 + 8 {
            let bit: UInt64 = 1 << (bits & 63)
            bits >>= 6
            let word = span[index]
            isNew = isNew || word & bit == 0
            span[index] = word | bit
        }
        return isNew
    }

    /// Forgets everybody.
    ///
    /// - Complexity: O(bytes), without allocation.
    package mutating func forgetAll() {
        var span = words.mutableSpan
        for index in span.indices { span[index] = 0 }
    }

    /// The share of bits that are set, 0 to 1; its eighth power is the share of new entities dropped.
    ///
    /// - Complexity: O(bytes).
    package var fill: Double {
        Double(words.reduce(0) { $0 + $1.nonzeroBitCount }) / Double(words.count * 64)
    }

    /// The finaliser of SplitMix64: every input bit changes every output bit half of the time.
    @inline(__always)
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
