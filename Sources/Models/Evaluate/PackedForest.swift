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
        unsafe self.nodes = UnsafePointer(alignedCopy(nodes))
        unsafe self.roots = UnsafePointer(alignedCopy(roots))
        unsafe self.groups = UnsafePointer(alignedCopy(groups))
        unsafe self.slots = UnsafePointer(alignedCopy(slots))
        unsafe self.categoryFeatures = UnsafePointer(alignedCopy(categoryFeatures))
        unsafe self.categoryWords = UnsafePointer(alignedCopy(categoryWords))
        unsafe self.leaves = UnsafePointer(alignedCopy(leaves))
        unsafe self.outputs = UnsafePointer(alignedCopy(outputs))
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
    func prepare<Value: RowValue>(
        _ row: UnsafePointer<Value>, into prepared: UnsafeMutablePointer<Float>
    ) {
        for index in 0..<(unsafe categoryStart - 1) {
            let slot = unsafe slots[index]
            let value = unsafe Float(row[slot.feature])
            unsafe prepared[index + 1] = slot.prepare(value)
        }
        for index in unsafe categoryStart..<slotCount {
            let value = unsafe Float(row[categoryFeatures[index - categoryStart]])
            unsafe prepared[index] = Float(
                bitPattern: CategorySets.code(of: Double(value), arithmetic))
        }
    }

    /// Fills the slots of a row that is compared in float64.
    @inline(__always)
    func prepareWide(
        _ row: UnsafePointer<Double>, into prepared: UnsafeMutablePointer<Double>
    ) {
        for index in 0..<(unsafe categoryStart - 1) {
            let slot = unsafe slots[index]
            let value = unsafe row[slot.feature]
            unsafe prepared[index + 1] = slot.prepare(value)
        }
        for index in unsafe categoryStart..<slotCount {
            let value = unsafe row[categoryFeatures[index - categoryStart]]
            unsafe prepared[index] = Double(
                bitPattern: UInt64(CategorySets.code(of: value, arithmetic)))
        }
    }
}

/// A value of a row that some client gave.
protocol RowValue: BitwiseCopyable, BinaryFloatingPoint {}
extension Float: RowValue {}
extension Double: RowValue {}
