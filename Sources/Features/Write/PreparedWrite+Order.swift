// SPDX-License-Identifier: Apache-2.0

/// Rows in the order in which the store keeps them.
///
/// Neighbours in the table share pages, which are then found, copied and written once. Merging gives the
/// same whatever the order, and rows of one key keep theirs.
extension PreparedWrite {
    /// A row, and eight bytes of its key from where the keys begin to differ.
    private struct Place {
        let prefix: UInt64
        let row: UInt32
    }

    /// The row to be applied at `place`.
    @inline(__always)
    func row(at place: Int) -> Int {
        order.isEmpty ? place : Int(order[place])
    }

    /// The rows in the order of their keys; empty if they come so.
    ///
    /// - Complexity: O(rows log rows), on the loop that takes the request, not on the writer's thread.
    func rowsByKey() -> [UInt32] {
        guard rowCount > 1, !isAscending else { return [] }
        let common = commonPrefixCount
        var places: [Place] = []
        places.reserveCapacity(rowCount)
        for row in 0..<rowCount {
            let key = key(row)
            var prefix: UInt64 = 0
            for index in common..<common + 8 {
                prefix = prefix << 8 | (index < key.count ? UInt64(key[index]) : 0)
            }
            places.append(Place(prefix: prefix, row: UInt32(row)))
        }
        places.sort { left, right in
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            switch compare(Int(left.row), Int(right.row), from: common) {
            case 0: return left.row < right.row
            case let sign: return sign < 0
            }
        }
        return places.map(\.row)
    }

    private var isAscending: Bool {
        for row in 1..<rowCount where compare(row - 1, row, from: 0) > 0 { return false }
        return true
    }

    /// Bytes with which all keys begin.
    private var commonPrefixCount: Int {
        let first = key(0)
        var common = first.count
        for row in 1..<rowCount {
            let other = key(row)
            common = min(common, other.count)
            var index = 0
            while index < common, first[index] == other[index] { index += 1 }
            common = index
        }
        return common
    }

    /// Below zero if the key of `left` comes first, above if that of `right`, zero if they are equal.
    private func compare(_ left: Int, _ right: Int, from start: Int) -> Int {
        let leftKey = key(left)
        let rightKey = key(right)
        let common = min(leftKey.count, rightKey.count)
        var index = start
        while index < common {
            if leftKey[index] != rightKey[index] {
                return Int(leftKey[index]) - Int(rightKey[index])
            }
            index += 1
        }
        return leftKey.count - rightKey.count
    }
}
