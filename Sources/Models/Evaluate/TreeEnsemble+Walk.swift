// SPDX-License-Identifier: Apache-2.0

/// The plain way through a tree: for float64 rows and for contributions, and the measure of the
/// packed one.
extension TreeEnsemble {
    /// The sum of one output.
    func margin(of row: Span<Double>, output: Int) -> Double {
        switch arithmetic {
        case .single:
            var total = Float(baseMargins[output])
            for tree in trees where tree.output == output {
                total += Float(tree.nodes[leaf(of: row, in: tree)].value)
            }
            return Double(total)
        case .double:
            var total = baseMargins[output]
            for tree in trees where tree.output == output {
                total += tree.nodes[leaf(of: row, in: tree)].value
            }
            return total
        }
    }

    /// The leaf that a row reaches, by its index among the nodes.
    func leaf(of row: Span<Double>, in tree: Tree) -> Int {
        var index = 0
        while !tree.nodes[index].isLeaf {
            let node = tree.nodes[index]
            index = Int(sendsLeft(row[Int(node.feature)], at: node) ? node.left : node.right)
        }
        return index
    }

    /// Which way a value goes at a split.
    ///
    /// An ensemble in float32 rounds it first; one in float64 takes tiny values for zero.
    func sendsLeft(_ given: Double, at node: Node) -> Bool {
        let isZero = arithmetic == .double && abs(given) <= Double(Self.zeroMax)
        let value = isZero ? 0 : arithmetic == .single ? Double(Float(given)) : given
        if node.isCategorical {
            return categories.sendsLeft(
                CategorySets.code(of: value, arithmetic), at: Int(node.categorySet))
        }
        switch node.missing {
        case .nan:
            if value.isNaN { return node.missingGoesLeft }
        case .nanOrZero:
            if value.isNaN || isZero { return node.missingGoesLeft }
        case .never:
            if value.isNaN { return sendsLeft(0, at: node) }
        }
        // Everything is at most infinity.
        return arithmetic == .single && node.value != .infinity
            ? value < node.value : value <= node.value
    }
}
