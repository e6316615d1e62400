// SPDX-License-Identifier: Apache-2.0

extension HourlyReference {
    /// The same traffic in the bins of another model, as near as its own bins tell; nil if one has numbers and the
    /// other categories.
    ///
    /// Values are taken to lie evenly within a bin. What is too far off for that explains nothing, and then
    /// training alone decides, as without.
    ///
    /// - Parameter places: of each category with a bin of its own its bin among `others`; nil if it has none there.
    package func rebinned(into others: FrozenBins, categories places: [Int?] = [])
        -> HourlyReference?
    {
        let shares: [[(bin: Int, share: Double)]]
        switch (bins, others) {
        case (.numbers(let from), .numbers(let to)):
            shares = Self.shares(from: from, to: to, outside: others.unseenIndex)
        case (.categories(let from, _), .categories(let to, _)):
            guard places.count == from.count else { return nil }
            shares = places.map { [(bin: $0 ?? to.count, share: 1)] } + [[(to.count, 1)]]
        default: return nil
        }
        var rebinned = HourlyReference(bins: others)
        rebinned.open = open
        rebinned.openedAt = openedAt
        for hour in learnt.indices where !learnt[hour].counts.isEmpty {
            let counts = learnt[hour].counts
            var sums = [Double](repeating: 0, count: others.count)
            for (bin, parts) in shares.enumerated() {
                for part in parts { sums[part.bin] += Double(counts[bin]) * part.share }
            }
            sums[others.missingIndex] += Double(counts[bins.missingIndex])
            sums[others.unseenIndex] += Double(counts[bins.unseenIndex])
            rebinned.learnt[hour] = learnt[hour]
            rebinned.learnt[hour].counts = sums.map { UInt64($0.rounded()) }
        }
        return rebinned
    }

    /// Which share of each bin between `from`'s edges lies in which bin between `to`'s.
    private static func shares(
        from: [Double], to: [Double], outside: Int
    ) -> [[(bin: Int, share: Double)]] {
        zip(from, from.dropFirst()).map { low, high in
            let width = high - low
            var parts: [(bin: Int, share: Double)] = []
            var rest = 1.0
            for (bin, (lower, upper)) in zip(to, to.dropFirst()).enumerated() {
                let share = (min(high, upper) - max(low, lower)) / width
                guard share > 0, share <= 1 else { continue }
                parts.append((bin, share))
                rest -= share
            }
            return parts + [(bin: outside, share: max(rest, 0))]
        }
    }
}
