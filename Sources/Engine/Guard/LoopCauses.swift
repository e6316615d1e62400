// SPDX-License-Identifier: Apache-2.0

/// The numbers of the causes that one loop has met under its configuration.
///
/// A hash table of fixed size with open addressing: a look-up neither locks nor allocates.
struct LoopCauses: ~Copyable {
    private var keys = [UInt64](repeating: 0, count: LoopCauses.placeCount)
    private var numbers = [UInt8](repeating: 0, count: LoopCauses.placeCount)
    private var count = 0
    private static let placeCount = 2 * CauseLimits.rememberedMax

    /// Whether no further one is remembered.
    var isFull: Bool { count == CauseLimits.rememberedMax }

    /// The number behind a key, a hash; nil if it was not met.
    func number(of key: UInt64) -> UInt8? {
        let key = key | 1
        var place = Self.place(of: key)
        while keys[place] != 0 {
            if keys[place] == key { return numbers[place] }
            place = (place + 1) & (Self.placeCount - 1)
        }
        return nil
    }

    /// Remembers one that was not met; nothing if it ``isFull``.
    mutating func remember(_ key: UInt64, as number: UInt8) {
        guard !isFull else { return }
        let key = key | 1
        var place = Self.place(of: key)
        while keys[place] != 0 { place = (place + 1) & (Self.placeCount - 1) }
        keys[place] = key
        numbers[place] = number
        count += 1
    }

    /// Forgets all: numbers belong to a configuration.
    mutating func removeAll() {
        guard count > 0 else { return }
        for place in keys.indices { keys[place] = 0 }
        count = 0
    }

    private static func place(of key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 40) & (placeCount - 1)
    }
}

/// The key of a cause: FNV-1a over what makes it up.
struct CauseKey {
    private(set) var value: UInt64

    /// Begins with whose cause it is.
    init(rollout: UInt64, isTrial: Bool, isError: Bool) {
        value = 0xCBF2_9CE4_8422_2325
        add(rollout &* 4 &+ (isTrial ? 2 : 0) &+ (isError ? 1 : 0))
    }

    /// Adds a part.
    @inline(__always)
    mutating func add(_ part: UInt64) {
        value = (value ^ part) &* 0x0000_0100_0000_01B3
        value ^= value >> 29
    }
}
