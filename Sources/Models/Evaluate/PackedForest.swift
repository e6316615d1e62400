// SPDX-License-Identifier: Apache-2.0

/// The trees in memory of their own: what evaluation kernels read.
///
/// A value of pointers, passed by value so that a kernel keeps them in registers. `CompiledModel`
/// owns the memory; nothing writes to it after `init`.
@unsafe struct PackedForest: @unchecked Sendable {
    let nodes: UnsafePointer<PackedNode>
    /// The root of each tree, as an index into `nodes`; a multiple of the group width.
    let roots: UnsafePointer<UInt32>
    let groups: UnsafePointer<TreeGroup>
    /// Slots 1... of a prepared row, in order.
    let slots: UnsafePointer<RowSlot>
    /// The slots after those hold a category each, of these features.
    let categoryFeatures: UnsafePointer<Int>
    /// The first slot of a category.
    let categoryStart: Int
    /// Slots of a prepared row, the leaves' slot 0 included.
    let slotCount: Int
    /// The sets of categories; a node holds the place of its set's header.
    let categoryWords: UnsafePointer<UInt32>
    /// Leaf values, if they are added in float64.
    let leaves: UnsafePointer<Double>
    let outputs: UnsafePointer<PackedOutput>
    let outputCount: Int
    let arithmetic: TreeEnsemble.Arithmetic
    let byteCount: Int

    init(
        nodes: [PackedNode], roots: [UInt32], groups: [TreeGroup], slots: [RowSlot],
        categoryFeatures: [Int], categoryWords: [UInt32], leaves: [Double],
        outputs: [PackedOutput], arithmetic: TreeEnsemble.Arithmetic
    ) {
        unsafe self.nodes = copy(nodes)
        unsafe self.roots = copy(roots)
        unsafe self.groups = copy(groups)
        unsafe self.slots = copy(slots)
        unsafe self.categoryFeatures = copy(categoryFeatures)
        unsafe self.categoryWords = copy(categoryWords)
        unsafe self.leaves = copy(leaves)
        unsafe self.outputs = copy(outputs)
        unsafe self.arithmetic = arithmetic
        unsafe outputCount = outputs.count
        unsafe categoryStart = slots.count + 1
        unsafe slotCount = slots.count + 1 + categoryFeatures.count
        unsafe byteCount =
            nodes.count * MemoryLayout<PackedNode>.stride
            + roots.count * MemoryLayout<UInt32>.stride
            + groups.count * MemoryLayout<TreeGroup>.stride
            + slots.count * MemoryLayout<RowSlot>.stride
            + categoryWords.count * MemoryLayout<UInt32>.stride
            + leaves.count * MemoryLayout<Double>.stride
    }

    /// Frees the memory; no evaluation may be under way.
    func deallocate() {
        unsafe nodes.deallocate()
        unsafe roots.deallocate()
        unsafe groups.deallocate()
        unsafe slots.deallocate()
        unsafe categoryFeatures.deallocate()
        unsafe categoryWords.deallocate()
        unsafe leaves.deallocate()
        unsafe outputs.deallocate()
    }

    /// Fills slots 1... from a row; slot 0 must hold minus infinity already.
    @inline(__always)
    func prepare(_ row: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        for index in 0..<(unsafe categoryStart - 1) {
            let slot = unsafe slots[index]
            let value = unsafe row[slot.feature]
            unsafe prepared[index + 1] = slot.prepare(value)
        }
        for index in unsafe categoryStart..<slotCount {
            let value = unsafe row[categoryFeatures[index - categoryStart]]
            unsafe prepared[index] = Float(
                bitPattern: CategorySets.code(of: Double(value), arithmetic))
        }
    }
}

/// A copy of `array` that starts at a cache line and lives until it is deallocated.
private func copy<Element: BitwiseCopyable>(_ array: [Element]) -> UnsafePointer<Element> {
    let memory = UnsafeMutableRawPointer.allocate(
        byteCount: max(array.count, 1) * MemoryLayout<Element>.stride, alignment: 64)
    let copy = unsafe memory.bindMemory(to: Element.self, capacity: max(array.count, 1))
    // Safe: the memory holds as many elements as the array has.
    unsafe array.withUnsafeBufferPointer { source in
        if let base = source.baseAddress {
            unsafe copy.initialize(from: base, count: source.count)
        }
    }
    return unsafe UnsafePointer(copy)
}
