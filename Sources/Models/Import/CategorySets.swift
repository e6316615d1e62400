// SPDX-License-Identifier: Apache-2.0

/// The sets of categories that splits test, each a header word and then its bits.
struct CategorySets {
    /// The words of all sets, one after the other.
    private(set) var words: [UInt32] = []
    /// Where each set's header is.
    private(set) var starts: [Int] = []

    /// In a header: the words of bits that follow it.
    static let countMask: UInt32 = 0x00FF_FFFF
    /// In a header: a category of the set goes left, any other right; otherwise the other way.
    static let membersGoLeft: UInt32 = 1 << 30
    /// In a header: missing goes left.
    static let missingGoesLeft: UInt32 = 1 << 31

    /// Categories are below this, as in XGBoost.
    static let categoriesMax = 1 << 24
    /// The code of a missing value.
    static let missing = UInt32(categoriesMax)
    /// The code of what is no category at all: it is in no set.
    static let unknown = missing + 1

    /// Adds a set and returns its number.
    mutating func append(
        bits: [UInt32], membersGoLeft: Bool, missingGoesLeft: Bool
    ) throws(ImportError) -> Int32 {
        guard bits.count <= Self.categoriesMax / 32,
            words.count + bits.count < ImportLimits.categoryWordsMax
        else { throw .limit("words of category sets", max: ImportLimits.categoryWordsMax) }
        starts.append(words.count)
        words.append(
            UInt32(bits.count) | (membersGoLeft ? Self.membersGoLeft : 0)
                | (missingGoesLeft ? Self.missingGoesLeft : 0))
        words.append(contentsOf: bits)
        return Int32(starts.count - 1)
    }

    /// Whether `code` goes left at set number `set`.
    func sendsLeft(_ code: UInt32, at set: Int) -> Bool {
        let start = starts[set]
        let header = words[start]
        if code == Self.missing { return header & Self.missingGoesLeft != 0 }
        let word = Int(code >> 5)
        let isMember =
            word < Int(header & Self.countMask)
            && words[start + 1 + word] >> (code & 31) & 1 != 0
        return isMember == (header & Self.membersGoLeft != 0)
    }

    /// The category that a value stands for.
    ///
    /// XGBoost takes no negative number for a category; LightGBM cuts off the fraction first, so
    /// that -0.5 is category 0.
    @inline(__always)
    static func code(of value: Double, _ arithmetic: TreeEnsemble.Arithmetic) -> UInt32 {
        if value.isNaN { return missing }
        let isCategory = arithmetic == .single ? value >= 0 : value > -1
        return isCategory && value < Double(categoriesMax) ? UInt32(max(value, 0)) : unknown
    }
}
