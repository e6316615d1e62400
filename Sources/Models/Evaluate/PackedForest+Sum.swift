// SPDX-License-Identifier: Apache-2.0

extension PackedForest {
    /// `start` plus the leaves that a prepared row reaches, added tree by tree in order.
    ///
    /// Eight trees are walked side by side: a step waits for two loads, and eight independent chains
    /// fill that time. No choice of a child is a branch, so random rows cost what repeated ones do.
    /// Another kernel (SIMD, in C) may take this one's place: same arguments, same bits.
    func sum(_ row: UnsafePointer<Float>, from start: Float) -> Float {
        var total = start
        var root = unsafe roots
        for group in 0..<(unsafe groupCount) {
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
                unsafe a = next(a, row)
                unsafe b = next(b, row)
                unsafe c = next(c, row)
                unsafe d = next(d, row)
                unsafe e = next(e, row)
                unsafe f = next(f, row)
                unsafe g = next(g, row)
                unsafe h = next(h, row)
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
            unsafe total += a.pointee.value
            unsafe total += b.pointee.value
            unsafe total += c.pointee.value
            unsafe total += d.pointee.value
            unsafe total += e.pointee.value
            unsafe total += f.pointee.value
            unsafe total += g.pointee.value
            unsafe total += h.pointee.value
            unsafe root += TreeGroup.width
        }
        return total
    }
}

/// The child that the row goes to, or the leaf itself.
@inline(__always)
private func next(
    _ node: UnsafePointer<PackedNode>, _ row: UnsafePointer<Float>
) -> UnsafePointer<PackedNode> {
    let isLeft = unsafe row[Int(node.pointee.slot)] < node.pointee.value
    return unsafe node + (Int(node.pointee.step) &+ (isLeft ? 0 : 1))
}
