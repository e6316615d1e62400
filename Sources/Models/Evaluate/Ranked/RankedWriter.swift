// SPDX-License-Identifier: Apache-2.0

internal import CKernels

/// Writes trees into the memory of a ranked layout, run after run.
@safe struct RankedWriter {
    /// A rank that no row's is above: what is not a split sends to the left.
    private static let noRank = UInt8.max

    let bytes: UnsafeMutableRawBufferPointer
    private let arithmetic: TreeEnsemble.Arithmetic
    private var used = 0

    init(byteCount: Int, arithmetic: TreeEnsemble.Arithmetic) {
        unsafe bytes = .allocate(byteCount: max(byteCount, 64), alignment: 64)
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
        self.arithmetic = arithmetic
    }

    /// Writes the trees of `groups`, which have one output and one shape.
    mutating func write(
        _ groups: ArraySlice<RankedPacker.Group>, of ensemble: TreeEnsemble,
        _ place: (TreeEnsemble.Node) -> RankedPacker.Place
    ) -> kassa_run {
        let shape = groups.first!.shape
        let treeCount = groups.count * Int(KASSA_GROUP_WIDTH)
        let screens = take(treeCount * shape.screenBytes)
        let details = take(treeCount * shape.detailBytes)
        let leaves = take(treeCount * shape.leafCount * (arithmetic == .single ? 4 : 8))
        for (number, group) in groups.enumerated() {
            for lane in 0..<Int(KASSA_GROUP_WIDTH) {
                let index = number * Int(KASSA_GROUP_WIDTH) + lane
                let tree = lane < group.trees.count ? ensemble.trees[group.trees[lane]] : .nothing
                let room = Room(
                    shape: shape,
                    // Trees with paths of 32 bits share a screen by twos.
                    screen: shape == .paths32
                        ? screens + index / 2 * 128 + index % 2 * 32
                        : screens + index * 128,
                    details: details + index * shape.detailBytes,
                    firstLeaf: index * shape.leafCount, leaves: leaves)
                switch shape {
                case .heap6, .heap8, .heap10:
                    writeHeap(tree, room, place)
                case .paths32, .paths64:
                    writePaths(tree, room, place)
                }
            }
        }
        return kassa_run(
            output: UInt32(groups.first!.output), shape: shape.rawValue, trees: UInt32(treeCount),
            reserved: 0, screens: UInt64(screens), details: UInt64(details),
            leaves: UInt64(leaves))
    }

    /// Where one tree goes, by offsets into the memory.
    private struct Room {
        var shape: TreeShape
        var screen: Int
        var details: Int
        /// Its place among the leaves of the run.
        var firstLeaf: Int
        var leaves: Int
    }

    private mutating func take(_ count: Int) -> Int {
        used += count
        precondition(used <= (unsafe bytes.count))
        return used - count
    }

    private func store<Value: BitwiseCopyable>(_ value: Value, at offset: Int) {
        // Safe: the buffer checks its bounds.
        unsafe bytes.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }

    private func storeLeaf(_ value: Double, _ number: Int, _ room: Room) {
        switch arithmetic {
        case .single: store(Float(value), at: room.leaves + (room.firstLeaf + number) * 4)
        case .double: store(value, at: room.leaves + (room.firstLeaf + number) * 8)
        }
    }

    private func store(_ place: RankedPacker.Place, at offset: Int, ranksAfter distance: Int) {
        store(place.slot, at: offset)
        store(place.rank, at: offset + distance)
    }

    // MARK: Heaps

    private func writeHeap(
        _ tree: TreeEnsemble.Tree, _ room: Room,
        _ place: (TreeEnsemble.Node) -> RankedPacker.Place
    ) {
        for split in 0..<64 { store(Self.noRank, at: room.screen + 64 + split) }
        for record in 0..<room.shape.detailBytes / 8 {
            store(UInt64(0xFFFF_FFFF_0000_0000), at: room.details + record * 8)
        }
        // Recursion is bounded by the shape's depth.
        func screen(_ index: Int, _ spot: Int, _ level: Int) {
            let node = tree.nodes[index]
            guard level < 6 else { return below(index, spot - 64, 0) }
            guard !node.isLeaf else { return below(index, (spot << (6 - level)) - 64, 0) }
            store(place(node), at: room.screen + spot, ranksAfter: 64)
            screen(Int(node.left), 2 * spot, level + 1)
            screen(Int(node.right), 2 * spot + 1, level + 1)
        }
        func below(_ index: Int, _ way: Int, _ level: Int) {
            let node = tree.nodes[index]
            guard !node.isLeaf else {
                return storeLeaf(node.value, way << (2 * (room.shape.recordLevels - level)), room)
            }
            let record = room.details + ((level == 0 ? 0 : 64) + way) * 8
            store(place(node), at: record, ranksAfter: 4)
            for (side, child) in [Int(node.left), Int(node.right)].enumerated() {
                let next = tree.nodes[child]
                guard !next.isLeaf else {
                    below(child, way * 4 + side * 2, level + 1)
                    continue
                }
                store(place(next), at: record + 1 + side, ranksAfter: 4)
                below(Int(next.left), way * 4 + side * 2, level + 1)
                below(Int(next.right), way * 4 + side * 2 + 1, level + 1)
            }
        }
        screen(0, 1, 0)
    }

    // MARK: Paths

    /// A leaf is reached if the bits of the splits on its way are those that lead there.
    private func writePaths(
        _ tree: TreeEnsemble.Tree, _ room: Room,
        _ place: (TreeEnsemble.Node) -> RankedPacker.Place
    ) {
        let isNarrow = room.shape == .paths32
        for split in 0..<(isNarrow ? 32 : 64) { store(Self.noRank, at: room.screen + 64 + split) }
        func storePath(_ mask: UInt64, _ bits: UInt64, _ leaf: Int) {
            if isNarrow {
                let at = room.details + leaf / 16 * 128 + leaf % 16 * 4
                store(UInt32(truncatingIfNeeded: mask), at: at)
                store(UInt32(truncatingIfNeeded: bits), at: at + 64)
            } else {
                let at = room.details + leaf / 8 * 128 + leaf % 8 * 8
                store(mask, at: at)
                store(bits, at: at + 64)
            }
        }
        // A way that nothing takes: no bit of an empty mask is 1.
        for leaf in 0..<room.shape.leafCount { storePath(0, .max, leaf) }
        var splits = 0
        var leaves = 0
        var waiting: [(index: Int, mask: UInt64, bits: UInt64)] = [(0, 0, 0)]
        while let (index, mask, bits) = waiting.popLast() {
            let node = tree.nodes[index]
            guard !node.isLeaf else {
                storePath(mask, bits, leaves)
                storeLeaf(node.value, leaves, room)
                leaves += 1
                continue
            }
            store(place(node), at: room.screen + splits, ranksAfter: 64)
            let bit = UInt64(1) << UInt64(splits)
            splits += 1
            waiting.append((Int(node.right), mask | bit, bits | bit))
            waiting.append((Int(node.left), mask | bit, bits))
        }
    }
}

extension TreeEnsemble.Tree {
    /// A tree that adds nothing, also to a sum of -0: it fills up groups.
    fileprivate static let nothing = TreeEnsemble.Tree(nodes: [.init(value: -0.0)])

    /// The splits on the longest way, and the leaves.
    func size() -> (depth: Int, leaves: Int) {
        var depth = 0
        var leaves = 0
        var waiting = [(index: 0, depth: 0)]
        while let (index, level) = waiting.popLast() {
            let node = nodes[index]
            guard !node.isLeaf else {
                leaves += 1
                depth = max(depth, level)
                continue
            }
            waiting.append((Int(node.left), level + 1))
            waiting.append((Int(node.right), level + 1))
        }
        return (depth, leaves)
    }
}
