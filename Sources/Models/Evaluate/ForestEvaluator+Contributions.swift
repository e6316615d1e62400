// SPDX-License-Identifier: Apache-2.0

/// Path-dependent TreeSHAP (Lundberg, Erion, Lee: Consistent Individualized Feature Attribution for
/// Tree Ensembles), which XGBoost and LightGBM call `pred_contribs`.
///
/// A leaf of value v whose way asks n features adds to feature i
/// `v (o_i - z_i) * integral from 0 to 1 of the product of z_j + (o_j - z_j) t over all others j`,
/// with z the share of the training rows that went on at the feature's splits and o whether the row
/// does, 0 or 1 (Owen, Multilinear Extensions of Games, 1972). The integrand is a polynomial of degree
/// n - 1, so the rule of Gauss and Legendre with n / 2 points gives the integral exactly. The leaves
/// below a split share the products, and what they add is summed on the way back up (as in Yu et al.,
/// Linear TreeSHAP, 2022): every node is visited once.
extension ForestEvaluator {
    func contributions(of row: Span<Double>, into contributions: inout MutableSpan<Double>) {
        let width = ensemble.featureCount + 1
        for index in 0..<width * marginCount { contributions[index] = 0 }
        let expectations = statistics.expectations
        for output in expectations.indices {
            contributions[output * width + width - 1] = expectations[output]
        }
        var way = [65 of WayStep](repeating: WayStep())
        var wayStorage = way.mutableSpan
        for (index, tree) in ensemble.trees.enumerated() {
            var room = contributions._mutatingExtracting(
                Int(tree.output) * width..<(Int(tree.output) + 1) * width)
            let nodes = tree.nodes.span
            // n features need n / 2 points.
            switch statistics.featuresOfWays[index] {
            case ...8: walk(.four, nodes, row, &wayStorage, into: &room)
            case ...16: walk(.eight, nodes, row, &wayStorage, into: &room)
            case ...32: walk(.sixteen, nodes, row, &wayStorage, into: &room)
            default: walk(.thirtyTwo, nodes, row, &wayStorage, into: &room)
            }
        }
    }

    private func walk<Points: SIMD<Double> & Sendable>(
        _ rule: GaussRule<Points>, _ nodes: Span<TreeEnsemble.Node>, _ row: Span<Double>,
        _ way: inout MutableSpan<WayStep>, into room: inout MutableSpan<Double>
    ) {
        _ = add(
            0, of: nodes, row, rule, Points(repeating: 1), depth: 0, &way, into: &room)
    }

    /// Adds what the splits below `index` contribute, and returns the sum of the leaves below, each
    /// with its products at the rule's points.
    ///
    /// Recursion is bounded by the depth limit.
    @_specialize(where Points == SIMD4<Double>)
    @_specialize(where Points == SIMD8<Double>)
    @_specialize(where Points == SIMD16<Double>)
    @_specialize(where Points == SIMD32<Double>)
    private func add<Points: SIMD<Double> & Sendable>(
        _ index: Int, of nodes: Span<TreeEnsemble.Node>, _ row: Span<Double>,
        _ rule: GaussRule<Points>, _ product: Points, depth: Int,
        _ way: inout MutableSpan<WayStep>, into room: inout MutableSpan<Double>
    ) -> Points {
        let node = nodes[index]
        if node.isLeaf { return product * rule.weights * node.value }
        let goesLeft = ensemble.sendsLeft(row[Int(node.feature)], at: node)
        // What the way said of this feature so far; nothing is a factor of 1.
        var before = WayStep(feature: node.feature, share: 1, isFollowed: true)
        var isAgain = false
        for step in 0..<depth where way[depth - 1 - step].feature == node.feature {
            before = way[depth - 1 - step]
            isAgain = true
            break
        }
        let factorBefore: Points = before.factor(rule)
        let others = isAgain ? product / factorBefore : product
        var total = Points(repeating: 0)
        for side in 0..<2 {
            let child = side == 0 ? node.left : node.right
            let step = WayStep(
                feature: node.feature,
                share: before.share * Double(nodes[Int(child)].cover) / Double(node.cover),
                isFollowed: before.isFollowed && goesLeft == (side == 0))
            // No row went on here, nor does this one: all products are 0.
            if step.share == 0, !step.isFollowed { continue }
            let factor: Points = step.factor(rule)
            way[depth] = step
            let leaves = add(
                Int(child), of: nodes, row, rule, others * factor, depth: depth + 1, &way,
                into: &room)
            total += leaves
            var added = step.gain * (leaves / factor).sum()
            if isAgain { added -= before.gain * (leaves / factorBefore).sum() }
            room[Int(node.feature)] += added
        }
        return total
    }
}

/// What the way to a node says of one feature.
private struct WayStep: BitwiseCopyable {
    var feature: Int32 = -1
    /// The share of training rows that went on at its splits.
    var share = 1.0
    /// Whether the row does.
    var isFollowed = true

    /// How much further the row goes than training rows do.
    var gain: Double { (isFollowed ? 1 : 0) - share }

    @inline(__always)
    func factor<Points: SIMD<Double> & Sendable>(_ rule: GaussRule<Points>) -> Points {
        rule.points * gain + share
    }
}

extension TreeEnsemble {
    /// Per output, what the sum is on average over the training rows; empty if some split or leaf
    /// has no cover.
    func expectations() -> [Double] {
        var means = baseMargins
        for tree in trees {
            guard let mean = tree.mean(0) else { return [] }
            means[Int(tree.output)] += mean
        }
        return means
    }
}

extension TreeEnsemble.Tree {
    /// The mean of the leaves below a node, by cover; recursion is bounded by the depth limit.
    fileprivate func mean(_ index: Int) -> Double? {
        let node = nodes[index]
        if node.isLeaf { return node.value }
        guard node.cover > 0, node.cover.isFinite else { return nil }
        var sum = 0.0
        for child in [Int(node.left), Int(node.right)] {
            guard nodes[child].cover >= 0, nodes[child].cover.isFinite, let mean = mean(child)
            else { return nil }
            sum += mean * Double(nodes[child].cover) / Double(node.cover)
        }
        return sum
    }

    /// The most features that are asked on the way to one leaf; recursion is bounded as above.
    func featuresOfWays() -> UInt8 {
        var asked: [Int32] = []
        func most(_ index: Int, _ count: Int) -> Int {
            let node = nodes[index]
            if node.isLeaf { return count }
            let more = asked.contains(node.feature) ? count : count + 1
            asked.append(node.feature)
            defer { asked.removeLast() }
            return max(most(Int(node.left), more), most(Int(node.right), more))
        }
        return UInt8(most(0, 0))
    }
}
