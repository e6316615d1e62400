// SPDX-License-Identifier: Apache-2.0

/// Path-dependent TreeSHAP (Lundberg, Erion, Lee: Consistent Individualized Feature Attribution for
/// Tree Ensembles, algorithm 2), which XGBoost and LightGBM call `pred_contribs`.
extension ForestEvaluator {
    /// A feature on the way from the root to a node.
    private struct Step {
        /// -1 for the root's own.
        var feature: Int32
        /// Share of the way that is left open if the feature is unknown.
        var zeroFraction: Double
        /// 1 if the row's value follows the way, else 0.
        var oneFraction: Double
        /// Weight of the sets of features of one size.
        var weight: Double
    }

    func contributions(of row: Span<Double>, into contributions: inout MutableSpan<Double>) {
        let width = ensemble.featureCount + 1
        for index in 0..<width * marginCount { contributions[index] = 0 }
        for output in expectations.indices {
            contributions[output * width + width - 1] = expectations[output]
        }
        var steps: [Step] = []
        for tree in ensemble.trees {
            var room = contributions._mutatingExtracting(
                Int(tree.output) * width..<(Int(tree.output) + 1) * width)
            steps.removeAll(keepingCapacity: true)
            add(
                0, of: tree, row, from: 0,
                Step(feature: -1, zeroFraction: 1, oneFraction: 1, weight: 0),
                &steps, into: &room)
        }
    }

    /// Adds what the leaves below `index` contribute; `steps[start...]` leads to its parent.
    ///
    /// Recursion is bounded by the depth limit.
    private func add(
        _ index: Int, of tree: TreeEnsemble.Tree, _ row: Span<Double>, from start: Int,
        _ step: Step, _ steps: inout [Step], into contributions: inout MutableSpan<Double>
    ) {
        extend(&steps, from: start, by: step)
        let node = tree.nodes[index]
        if node.isLeaf {
            for place in start + 1..<max(steps.count, start + 1) {
                let step = steps[place]
                let weight = weightSum(steps[start...], without: place - start)
                contributions[Int(step.feature)] +=
                    weight * (step.oneFraction - step.zeroFraction) * node.value
            }
            return
        }
        let goesLeft = ensemble.sendsLeft(row[Int(node.feature)], at: node)
        var incoming = Step(feature: node.feature, zeroFraction: 1, oneFraction: 1, weight: 0)
        if let place = steps[start...].firstIndex(where: { $0.feature == node.feature }) {
            incoming.zeroFraction = steps[place].zeroFraction
            incoming.oneFraction = steps[place].oneFraction
            remove(place - start, from: &steps, start: start)
        }
        for (child, isHot) in [(node.left, goesLeft), (node.right, !goesLeft)] {
            let share = Double(tree.nodes[Int(child)].cover) / Double(node.cover)
            // Each child starts from a copy of the way, which it changes.
            let copyStart = steps.count
            steps.append(contentsOf: steps[start..<copyStart])
            add(
                Int(child), of: tree, row, from: copyStart,
                Step(
                    feature: node.feature,
                    zeroFraction: incoming.zeroFraction * share,
                    oneFraction: isHot ? incoming.oneFraction : 0, weight: 0),
                &steps, into: &contributions)
            steps.removeSubrange(copyStart...)
        }
    }

    private func extend(_ steps: inout [Step], from start: Int, by step: Step) {
        let depth = steps.count - start
        var step = step
        step.weight = depth == 0 ? 1 : 0
        steps.append(step)
        for index in stride(from: depth - 1, through: 0, by: -1) {
            let place = start + index
            steps[place + 1].weight +=
                step.oneFraction * steps[place].weight * Double(index + 1) / Double(depth + 1)
            steps[place].weight *= step.zeroFraction * Double(depth - index) / Double(depth + 1)
        }
    }

    /// Takes a step back, as if its feature had not been met.
    private func remove(_ removed: Int, from steps: inout [Step], start: Int) {
        let depth = steps.count - start - 1
        let one = steps[start + removed].oneFraction
        let zero = steps[start + removed].zeroFraction
        var next = steps[start + depth].weight
        for index in stride(from: depth - 1, through: 0, by: -1) {
            let place = start + index
            let weight = steps[place].weight
            if one != 0 {
                steps[place].weight = next * Double(depth + 1) / (Double(index + 1) * one)
                next =
                    weight - steps[place].weight * zero * Double(depth - index) / Double(depth + 1)
            } else {
                steps[place].weight = weight * Double(depth + 1) / (zero * Double(depth - index))
            }
        }
        for place in start + removed..<start + depth {
            steps[place].feature = steps[place + 1].feature
            steps[place].zeroFraction = steps[place + 1].zeroFraction
            steps[place].oneFraction = steps[place + 1].oneFraction
        }
        steps.removeLast()
    }

    /// The sum of the weights that the way would have without one of its steps.
    private func weightSum(_ steps: ArraySlice<Step>, without removed: Int) -> Double {
        let start = steps.startIndex
        let depth = steps.count - 1
        let one = steps[start + removed].oneFraction
        let zero = steps[start + removed].zeroFraction
        var next = steps[start + depth].weight
        var total = 0.0
        for index in stride(from: depth - 1, through: 0, by: -1) {
            if one != 0 {
                let weight = next * Double(depth + 1) / (Double(index + 1) * one)
                total += weight
                next =
                    steps[start + index].weight
                    - weight * zero * Double(depth - index) / Double(depth + 1)
            } else if zero != 0 {
                total +=
                    steps[start + index].weight / zero / (Double(depth - index) / Double(depth + 1))
            }
        }
        return total
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
}
