// SPDX-License-Identifier: Apache-2.0

/// The keys met in the objects that are open, so that one that comes twice is noticed.
struct KeyLog {
    /// Hashes, one run per open object.
    private var hashes: [UInt64] = []

    /// Where the run of an object that opens now will start.
    var mark: Int { hashes.count }

    /// Forgets the keys of an object that closes.
    mutating func forget(since mark: Int) {
        hashes.removeSubrange(mark...)
    }

    /// Adds a key of the object whose run starts at `mark`; false if the object has it already.
    mutating func insert(_ key: [UInt8], since mark: Int) throws(ImportError) -> Bool {
        guard hashes.count - mark < ImportLimits.keysMax else {
            throw .limit("keys in one object", max: ImportLimits.keysMax)
        }
        let hash = key.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        guard !hashes[mark...].contains(hash) else { return false }
        hashes.append(hash)
        return true
    }
}
