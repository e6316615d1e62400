// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features

extension KassaV1.ReferenceHistogram {
    /// Checks that it is a histogram, whatever it is of; `field` is its place.
    func check(at field: String) throws(EngineError) {
        func refuse(_ place: String, _ reason: String) -> EngineError {
            EngineError(.invalidArgument, "\(field).\(place): \(reason)")
        }
        let isOfTexts = edges.isEmpty
        if isOfTexts {
            guard counts.isEmpty, outOfRange == 0 else {
                throw refuse("edges", "there must be some where there are bins")
            }
            guard categories.count <= BundleLimits.histogramCategoriesMax else {
                throw refuse(
                    "categories", "more than \(BundleLimits.histogramCategoriesMax)")
            }
            guard categoryCounts.count == categories.count else {
                throw refuse("category_counts", "must be as many as categories")
            }
            guard Set(categories).count == categories.count else {
                throw refuse("categories", "the same one is there twice")
            }
        } else {
            guard (1...BundleLimits.histogramBinsMax).contains(counts.count),
                edges.count == counts.count + 1
            else {
                throw refuse(
                    "counts",
                    "must be 1 to \(BundleLimits.histogramBinsMax) bins, one fewer than edges")
            }
            guard edges.allSatisfy(\.isFinite),
                zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 })
            else { throw refuse("edges", "must be finite and ascend strictly") }
            guard categories.isEmpty, categoryCounts.isEmpty, other == 0, unseen == 0 else {
                throw refuse("categories", "must be empty where there are edges")
            }
        }
        var sum: UInt64 = 0
        for count in counts + categoryCounts + [missing, outOfRange, other, unseen] {
            let (next, isOver) = sum.addingReportingOverflow(count)
            guard !isOver else { throw refuse("n", "the counts are too large") }
            sum = next
        }
        guard n > 0, sum == n else { throw refuse("n", "must be above 0, and all counts' sum") }
    }
}

/// The histograms of a bundle, by input.
enum ReferenceHistograms {
    /// Checks the form of a spec's histograms.
    static func check(form spec: KassaV1.ModelSpec) throws(EngineError) {
        // An input has up to so many places; what is beyond them is found when the inputs are known.
        guard spec.histograms.count <= FeatureLimits.inputsMax else {
            throw EngineError(
                .invalidArgument, "spec.histograms: more than \(FeatureLimits.inputsMax)")
        }
        var inputs: Set<UInt32> = []
        for (index, histogram) in spec.histograms.enumerated() {
            let field = "spec.histograms[\(index)]"
            try histogram.check(at: field)
            guard inputs.insert(histogram.input).inserted else {
                throw EngineError(.invalidArgument, "\(field).input: has a histogram already")
            }
        }
        guard let histogram = spec.scoreHistogram else { return }
        try histogram.check(at: "spec.score_histogram")
        guard histogram.input == 0, !histogram.edges.isEmpty else {
            throw EngineError(
                .invalidArgument, "spec.score_histogram: must have edges, and 0 as its input")
        }
    }

    /// Checks them against the inputs that they are of.
    static func check(
        _ histograms: [KassaV1.ReferenceHistogram], against plan: VectorPlan
    ) throws(EngineError) {
        for (index, histogram) in histograms.enumerated() {
            guard let input = Int(exactly: histogram.input), input < plan.count else {
                throw EngineError(
                    .invalidArgument,
                    "spec.histograms[\(index)].input: the artefact takes \(plan.count) values")
            }
            guard histogram.edges.isEmpty == (plan.types[input] == .string) else {
                throw EngineError(
                    .invalidArgument,
                    "spec.histograms[\(index)].edges: must be there unless the input is a string")
            }
        }
    }
}
