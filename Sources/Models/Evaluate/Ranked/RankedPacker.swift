// SPDX-License-Identifier: Apache-2.0

internal import CKernels

/// Lays verified trees out for the kernels of `CKernels`.
///
/// Trees are taken in groups of eight, output by output. A chunk takes groups until their thresholds
/// need more slots than a row's ranks may have; then the ranks of its slots are numbered and its
/// groups written.
struct RankedPacker {
    /// Bytes that a layout may take for a node before it is thought too large.
    private static let nodeBytesMax = 48
    /// Bytes that it may take for a tree in any case.
    private static let treeBytesMax = 1_024

    /// Eight trees of one output, fewer at its end, and the shape that all of them take.
    struct Group {
        var output: Int
        /// Places in `ensemble.trees`.
        var trees: [Int]
        var shape: TreeShape
    }

    /// A threshold or a set, as a prepared row meets it.
    struct Threshold: Hashable {
        /// The slot of the prepared row.
        var slot: UInt16
        /// A threshold in float64; the place of a set's header.
        var value: Double
    }

    /// Where a split of the current chunk looks, and for what.
    struct Place {
        var slot: UInt8
        var rank: UInt8
    }

    let ensemble: TreeEnsemble
    let packer: ForestPacker
    var places: [Threshold: Place] = [:]
    var writer: RankedWriter
    private var chunks: [kassa_chunk] = []
    private var searches: [kassa_search] = []
    private var runs: [kassa_run] = []
    private var thresholds: [Float] = []
    private var wideThresholds: [Double] = []

    /// The layout of a verified ensemble, whose slots `packer` has numbered.
    ///
    /// Nil if it has a tree that does not fit, or would take too much memory, or if it has no tree for
    /// which paths would make a difference.
    static func pack(
        _ ensemble: TreeEnsemble, _ packer: ForestPacker, _ layout: TreeLayout
    ) -> RankedForest? {
        guard let groups = groups(of: ensemble, layout) else { return nil }
        let byteCount = groups.reduce(0) {
            $0 + $1.shape.byteCount(ensemble.arithmetic) * Int(KASSA_GROUP_WIDTH)
        }
        var ranked = RankedPacker(ensemble, packer, byteCount: byteCount)
        guard ranked.append(groups) else {
            unsafe ranked.writer.bytes.deallocate()
            return nil
        }
        return unsafe RankedForest(
            chunks: ranked.chunks, searches: ranked.searches, runs: ranked.runs,
            thresholds: ranked.thresholds, wideThresholds: ranked.wideThresholds,
            words: ensemble.categories.words, bytes: ranked.writer.bytes,
            arithmetic: ensemble.arithmetic)
    }

    private init(_ ensemble: TreeEnsemble, _ packer: ForestPacker, byteCount: Int) {
        self.ensemble = ensemble
        self.packer = packer
        writer = RankedWriter(byteCount: byteCount, arithmetic: ensemble.arithmetic)
    }

    private static func groups(of ensemble: TreeEnsemble, _ layout: TreeLayout) -> [Group]? {
        var groups: [Group] = []
        var treesOfOutput = [[Int]](repeating: [], count: ensemble.baseMargins.count)
        for (index, tree) in ensemble.trees.enumerated() {
            treesOfOutput[Int(tree.output)].append(index)
        }
        var nodeCount = 0
        var byteCount = 0
        for (output, trees) in treesOfOutput.enumerated() {
            for start in stride(from: 0, to: trees.count, by: Int(KASSA_GROUP_WIDTH)) {
                let members = Array(trees[start...].prefix(Int(KASSA_GROUP_WIDTH)))
                let sizes = members.map { ensemble.trees[$0].size() }
                guard
                    let shape = TreeShape.fitting(
                        depth: sizes.map(\.depth).max() ?? 0,
                        leaves: sizes.map(\.leaves).max() ?? 0, layout)
                else { return nil }
                groups.append(Group(output: output, trees: members, shape: shape))
                nodeCount += sizes.reduce(0) { $0 + 2 * $1.leaves - 1 }
                byteCount += shape.byteCount(ensemble.arithmetic) * Int(KASSA_GROUP_WIDTH)
            }
        }
        let byteCountMax = max(
            nodeCount * nodeBytesMax, groups.count * Int(KASSA_GROUP_WIDTH) * treeBytesMax)
        let hasPaths = groups.contains { $0.shape == .paths32 || $0.shape == .paths64 }
        return byteCount <= byteCountMax && (layout == .heaps || hasPaths) ? groups : nil
    }

    /// Writes all groups, chunk by chunk; false if one alone needs too many slots.
    private mutating func append(_ groups: [Group]) -> Bool {
        var met: Set<Threshold> = []
        var counts: [UInt16: Int] = [:]
        var slotCount = 0
        var first = 0
        for (index, group) in groups.enumerated() {
            var added = newThresholds(of: group, notIn: met)
            if slotCount + newSlots(for: added, counts) > Int(KASSA_SLOTS_MAX) {
                finish(groups[first..<index], met)
                met.removeAll(keepingCapacity: true)
                counts.removeAll(keepingCapacity: true)
                slotCount = 0
                first = index
                added = newThresholds(of: group, notIn: met)
                guard newSlots(for: added, counts) <= Int(KASSA_SLOTS_MAX) else { return false }
            }
            slotCount += newSlots(for: added, counts)
            for threshold in added { counts[threshold.slot, default: 0] += 1 }
            met.formUnion(added)
        }
        finish(groups[first...], met)
        return true
    }

    private func newThresholds(of group: Group, notIn met: Set<Threshold>) -> Set<Threshold> {
        var added: Set<Threshold> = []
        for tree in group.trees {
            for node in ensemble.trees[tree].nodes where !node.isLeaf && !node.isDeleted {
                let threshold = threshold(of: node)
                if !met.contains(threshold) { added.insert(threshold) }
            }
        }
        return added
    }

    /// Slots that more thresholds need: one for each 255 of a slot of the row, one for each set.
    private func newSlots(for added: Set<Threshold>, _ counts: [UInt16: Int]) -> Int {
        var more: [UInt16: Int] = [:]
        for threshold in added { more[threshold.slot, default: 0] += 1 }
        return more.reduce(0) { total, entry in
            let before = counts[entry.key] ?? 0
            if packer.isCategorical(slot: entry.key) { return total + entry.value }
            return total + Self.slots(before + entry.value) - Self.slots(before)
        }
    }

    private static func slots(_ thresholds: Int) -> Int {
        (thresholds + Int(KASSA_THRESHOLDS_MAX) - 1) / Int(KASSA_THRESHOLDS_MAX)
    }

    func threshold(of node: TreeEnsemble.Node) -> Threshold {
        let slot = packer.preparedSlot(of: node)
        if node.isCategorical {
            return Threshold(
                slot: slot, value: Double(ensemble.categories.starts[Int(node.categorySet)]))
        }
        // So that 0 and -0, which are equal, are the same bits.
        return Threshold(slot: slot, value: node.value + 0)
    }

    /// Numbers the thresholds of a chunk and writes its groups.
    private mutating func finish(_ groups: ArraySlice<Group>, _ met: Set<Threshold>) {
        places.removeAll(keepingCapacity: true)
        let chunkStart = searches.count
        var ordered = met.sorted { ($0.slot, $0.value) < ($1.slot, $1.value) }
        // Categories have the last slots, so that sets follow the thresholds.
        let sets = ordered[
            (ordered.firstIndex { packer.isCategorical(slot: $0.slot) } ?? ordered.endIndex)...]
        ordered.removeLast(sets.count)
        var next = 0
        while next < ordered.count {
            let slot = ordered[next].slot
            let end = ordered[next...].prefix(Int(KASSA_THRESHOLDS_MAX))
                .firstIndex { $0.slot != slot }
            let block = ordered[next..<(end ?? min(next + 255, ordered.count))]
            appendSearch(of: block, at: UInt8(searches.count - chunkStart))
            next = block.endIndex
        }
        let setStart = searches.count
        for set in sets {
            places[set] = Place(slot: UInt8(searches.count - chunkStart), rank: 0)
            searches.append(kassa_search(source: UInt32(set.slot), start: UInt32(set.value)))
        }
        let runStart = runs.count
        var rest = groups
        while let group = rest.first {
            let run = rest.prefix { $0.output == group.output && $0.shape == group.shape }
            let (places, key) = (places, threshold)
            runs.append(writer.write(run, of: ensemble) { places[key($0)]! })
            rest.removeFirst(run.count)
        }
        chunks.append(
            kassa_chunk(
                search_begin: UInt32(chunkStart), set_begin: UInt32(setStart),
                search_end: UInt32(searches.count), run_begin: UInt32(runStart),
                run_end: UInt32(runs.count)))
    }

    /// Adds the search among at most 255 thresholds of one slot of the row.
    private mutating func appendSearch(of block: ArraySlice<Threshold>, at slot: UInt8) {
        searches.append(
            kassa_search(source: UInt32(block.first!.slot), start: UInt32(thresholds.count)))
        // The last block has room for one NaN at least: no rank leads out of it.
        let blockCount = block.count / 16 + 1
        var narrow = block.map { packer.bound(of: $0.value) }
        // A value of the row is never above the largest number, a missing one is.
        var wide = block.map { min($0.value, Double.greatestFiniteMagnitude) }
        narrow += [Float](repeating: .nan, count: blockCount * 16 - block.count)
        wide += [Double](repeating: .nan, count: blockCount * 16 - block.count)
        for index in 0..<16 {
            thresholds.append(index < blockCount ? narrow[index * 16 + 15] : .nan)
        }
        thresholds += narrow
        if ensemble.arithmetic == .double {
            for index in 0..<16 {
                wideThresholds.append(index < blockCount ? wide[index * 16 + 15] : .nan)
            }
            wideThresholds += wide
        }
        for (rank, threshold) in block.enumerated() {
            places[threshold] = Place(slot: slot, rank: UInt8(rank))
        }
    }
}
