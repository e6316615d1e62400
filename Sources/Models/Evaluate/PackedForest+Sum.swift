// SPDX-License-Identifier: Apache-2.0

extension PackedForest {
    /// The sum of one output for a prepared row, in the arithmetic of the forest.
    @inline(__always)
    func sum(_ row: UnsafePointer<Float>, output: PackedOutput) -> Double {
        switch (unsafe arithmetic, unsafe categoryStart < slotCount) {
        case (.single, false):
            unsafe sum(row, output, Sum32(total: Float(output.base)), Thresholds.self)
        case (.single, true):
            unsafe sum(row, output, Sum32(total: Float(output.base)), ThresholdsAndSets.self)
        case (.double, false):
            unsafe sum(row, output, Sum64(total: output.base), Thresholds.self)
        case (.double, true):
            unsafe sum(row, output, Sum64(total: output.base), ThresholdsAndSets.self)
        }
    }

    /// The start plus the leaves that a prepared row reaches, added tree by tree in order.
    ///
    /// Eight trees are walked side by side: a step waits for two loads, and eight independent chains
    /// fill that time. No choice of a child is a branch, so random rows cost what repeated ones do.
    /// Another kernel (SIMD, in C) may take this one's place: same arguments, same bits.
    @inline(__always)
    private func sum<Total: LeafSum, Split: SplitTest>(
        _ row: UnsafePointer<Float>, _ output: PackedOutput, _ start: Total, _: Split.Type
    ) -> Double {
        var total = start
        var root = unsafe roots + output.firstGroup * TreeGroup.width
        for group in output.firstGroup..<output.groupEnd {
            var a = unsafe nodes + Int(root[0])
            var b = unsafe nodes + Int(root[1])
            var c = unsafe nodes + Int(root[2])
            var d = unsafe nodes + Int(root[3])
            var e = unsafe nodes + Int(root[4])
            var f = unsafe nodes + Int(root[5])
            var g = unsafe nodes + Int(root[6])
            var h = unsafe nodes + Int(root[7])
            var stepsLeft = unsafe groups[group].depth
            while stepsLeft > 0 {
                unsafe a = Split.next(a, row, self)
                unsafe b = Split.next(b, row, self)
                unsafe c = Split.next(c, row, self)
                unsafe d = Split.next(d, row, self)
                unsafe e = Split.next(e, row, self)
                unsafe f = Split.next(f, row, self)
                unsafe g = Split.next(g, row, self)
                unsafe h = Split.next(h, row, self)
                stepsLeft &-= 1
                // Leaf-wise trees have a few deep ends that hardly any row reaches.
                if stepsLeft == 4 || stepsLeft == 2 {
                    let upper =
                        unsafe a.pointee.step | b.pointee.step | c.pointee.step | d.pointee.step
                    let lower =
                        unsafe e.pointee.step | f.pointee.step | g.pointee.step | h.pointee.step
                    if upper | lower == 0 { break }
                }
            }
            unsafe total.add(a, self)
            unsafe total.add(b, self)
            unsafe total.add(c, self)
            unsafe total.add(d, self)
            unsafe total.add(e, self)
            unsafe total.add(f, self)
            unsafe total.add(g, self)
            unsafe total.add(h, self)
            unsafe root += TreeGroup.width
        }
        return total.value
    }
}

/// How leaves are added up.
private protocol LeafSum {
    var value: Double { get }
    mutating func add(_ leaf: UnsafePointer<PackedNode>, _ forest: PackedForest)
}

/// In float32, the leaf's own value.
private struct Sum32: LeafSum {
    var total: Float
    var value: Double { Double(total) }

    @inline(__always)
    mutating func add(_ leaf: UnsafePointer<PackedNode>, _ forest: PackedForest) {
        unsafe total += leaf.pointee.value
    }
}

/// In float64, the value in the table of leaves.
private struct Sum64: LeafSum {
    var total: Double
    var value: Double { total }

    @inline(__always)
    mutating func add(_ leaf: UnsafePointer<PackedNode>, _ forest: PackedForest) {
        unsafe total += forest.leaves[Int(leaf.pointee.value.bitPattern)]
    }
}

/// How a row's way at a split is found.
private protocol SplitTest {
    /// The child that the row goes to, or the leaf itself.
    static func next(
        _ node: UnsafePointer<PackedNode>, _ row: UnsafePointer<Float>, _ forest: PackedForest
    ) -> UnsafePointer<PackedNode>
}

/// Every split has a threshold.
private enum Thresholds: SplitTest {
    @inline(__always)
    static func next(
        _ node: UnsafePointer<PackedNode>, _ row: UnsafePointer<Float>, _ forest: PackedForest
    ) -> UnsafePointer<PackedNode> {
        let isLeft = unsafe row[Int(node.pointee.slot)] < node.pointee.value
        return unsafe node + (Int(node.pointee.step) &+ (isLeft ? 0 : 1))
    }
}

/// A split has a threshold, or a set of categories if its slot holds one.
private enum ThresholdsAndSets: SplitTest {
    @inline(__always)
    static func next(
        _ node: UnsafePointer<PackedNode>, _ row: UnsafePointer<Float>, _ forest: PackedForest
    ) -> UnsafePointer<PackedNode> {
        let slot = unsafe Int(node.pointee.slot)
        let isLeft =
            unsafe slot < forest.categoryStart
            ? row[slot] < node.pointee.value
            : forest.sendsLeft(row[slot].bitPattern, at: Int(node.pointee.value.bitPattern))
        return unsafe node + (Int(node.pointee.step) &+ (isLeft ? 0 : 1))
    }
}

extension PackedForest {
    /// Whether a category goes left at the set whose header is at `start`.
    @inline(__always)
    fileprivate func sendsLeft(_ code: UInt32, at start: Int) -> Bool {
        let header = unsafe categoryWords[start]
        if code == CategorySets.missing { return header & CategorySets.missingGoesLeft != 0 }
        let word = code >> 5
        let isMember =
            unsafe word < header & CategorySets.countMask
            && categoryWords[start + 1 + Int(word)] >> (code & 31) & 1 != 0
        return isMember == (header & CategorySets.membersGoLeft != 0)
    }
}
