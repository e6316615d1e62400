// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Rollout

/// The frozen bins of one model, laid out so that a vector is sorted into them without a branch.
///
/// Edges are rounded to Float as the vector's values are, so that a value that lies on an edge stays on
/// its side. Categories are told by the codes that the model sees.
@safe final class DriftPlan: @unchecked Sendable {
    // Sendable and safe: the blocks are written in init only and freed in deinit; inputs were checked to
    // be below `inputCount`, which every vector has, and cells to be below `cellCount`.
    /// Edges, or codes of categories, of a watch; what is left over is NaN, which nothing equals or exceeds.
    static let edgeLanes = 12
    static let codeLanes = 20

    /// The cells of a number: how many edges are at or below it, then missing and stale values.
    enum NumberCell {
        static let missing = 13
        static let stale = 14
        static let stride = 16
    }
    /// The cells of a category: one per code, then the others.
    enum CategoryCell {
        static let other = 20
        static let unseen = 21
        static let missing = 22
        static let stale = 23
        static let stride = 32
    }

    /// One feature, or the score, that is watched.
    struct Watch {
        /// "cart.items", or "score".
        let name: String
        let reference: DriftReference
        /// Where its cells begin.
        let firstCell: Int
        /// Of a category the texts with a bin of their own, in the order of the bins.
        var texts: [String] = []
    }

    /// How many floats a vector has.
    let inputCount: Int
    /// The score first, if it is watched; numbers; categories.
    let watches: [Watch]
    /// How many inputs came without a histogram.
    let unwatchedCount: Int
    let cellCount: Int
    let hasScore: Bool
    let numberCount: Int
    let categoryCount: Int
    /// ``numberCount`` to a multiple of four; the rest repeats an input into cells that nobody reads.
    let paddedNumberCount: Int
    let numberInputs: UnsafeMutablePointer<Int>
    /// Of every four numbers the first edges, then the second ones, and so on.
    let edges: UnsafeMutablePointer<SIMD4<Float>>
    let categoryInputs: UnsafeMutablePointer<Int>
    /// Of each category its codes.
    let codes: UnsafeMutablePointer<SIMD4<Float>>
    let otherCodes: UnsafeMutablePointer<Float>
    let scoreEdges: UnsafeMutablePointer<Double>
    let firstNumberCell: Int
    let firstCategoryCell: Int

    /// The bins of the histograms that `model` brought along; nil if it brought none.
    init?(_ model: Model, _ plan: VectorPlan) {
        var numbers: [(input: Int, edges: [Float], name: String, reference: DriftReference)] = []
        var categories:
            [(
                input: Int, codes: [Float], texts: [String], name: String,
                reference: DriftReference
            )] = []
        let names = Self.names(of: plan)
        for input in 0..<plan.count {
            guard let histogram = model.histogram(ofPlace: input) else { continue }
            if histogram.edges.isEmpty {
                let (codes, texts, counts) = Self.merged(histogram, plan, input)
                guard codes.count <= Self.codeLanes,
                    let reference = try? DriftReference(
                        bins: .categories(top: codes.indices.map { UInt64($0) }, known: []),
                        counts: counts)
                else { continue }
                categories.append((input, codes, texts, names[input], reference))
            } else if let reference = Self.reference(ofNumbers: histogram) {
                numbers.append((input, histogram.edges.map { Float($0) }, names[input], reference))
            }
        }
        let score = model.scoreHistogram.flatMap(Self.reference(ofNumbers:))
        guard score != nil || !numbers.isEmpty || !categories.isEmpty else { return nil }
        inputCount = plan.count
        unwatchedCount = plan.count - numbers.count - categories.count
        hasScore = score != nil
        numberCount = numbers.count
        paddedNumberCount = (numbers.count + 3) / 4 * 4
        categoryCount = categories.count
        var watches: [Watch] = []
        var cell = 0
        if let score {
            watches.append(Watch(name: "score", reference: score, firstCell: cell))
            cell += NumberCell.stride
        }
        firstNumberCell = cell
        for number in numbers {
            watches.append(
                Watch(name: number.name, reference: number.reference, firstCell: cell))
            cell += NumberCell.stride
        }
        cell = firstNumberCell + paddedNumberCount * NumberCell.stride
        firstCategoryCell = cell
        for category in categories {
            watches.append(
                Watch(
                    name: category.name, reference: category.reference, firstCell: cell,
                    texts: category.texts))
            cell += CategoryCell.stride
        }
        cellCount = cell
        self.watches = watches
        let padding = [Int](repeating: 0, count: paddedNumberCount - numbers.count)
        unsafe numberInputs = Self.copy(numbers.map(\.input) + padding)
        unsafe edges = Self.copy(
            Self.byFours(numbers.map { Self.lanes(ofEdges: $0.edges) }))
        unsafe categoryInputs = Self.copy(categories.map(\.input))
        unsafe codes = Self.copy(
            categories.flatMap { category in
                let lanes = category.codes + Self.padding(Self.codeLanes - category.codes.count)
                return stride(from: 0, to: Self.codeLanes, by: 4).map { SIMD4(lanes[$0..<$0 + 4]) }
            })
        unsafe otherCodes = Self.copy(categories.map { plan.otherCode(ofInput: $0.input) })
        unsafe scoreEdges = Self.copy(
            Self.lanes(ofEdges: hasScore ? model.scoreHistogram?.edges ?? [] : []))
    }

    deinit {
        unsafe numberInputs.deallocate()
        unsafe edges.deallocate()
        unsafe categoryInputs.deallocate()
        unsafe codes.deallocate()
        unsafe otherCodes.deallocate()
        unsafe scoreEdges.deallocate()
    }

    private static func copy<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let block = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
        for index in elements.indices {
            unsafe (block + index).initialize(to: elements[index])
        }
        return unsafe block
    }

    private static func padding<Number: FloatingPoint>(_ count: Int) -> [Number] {
        [Number](repeating: .nan, count: count)
    }

    /// The edges, the last one moved up by a step: a value on it is in the last bin, one above is outside.
    private static func lanes<Number: FloatingPoint>(ofEdges edges: [Number]) -> [Number] {
        var lanes = edges
        if let last = edges.last { lanes[edges.count - 1] = last.nextUp }
        return lanes + padding(edgeLanes - edges.count)
    }

    /// The lanes of every four numbers side by side.
    private static func byFours(_ numbers: [[Float]]) -> [SIMD4<Float>] {
        stride(from: 0, to: numbers.count, by: 4).flatMap { first in
            (0..<edgeLanes).map { lane in
                SIMD4((first..<first + 4).map { $0 < numbers.count ? numbers[$0][lane] : .nan })
            }
        }
    }

    /// The inputs' names; the second of a name is told by its place.
    private static func names(of plan: VectorPlan) -> [String] {
        var seen: Set<String> = ["score"]
        return zip(plan.setNames, plan.names).enumerated().map { place, name in
            let name = "\(name.0).\(name.1)"
            return seen.insert(name).inserted ? name : "\(name)#\(place)"
        }
    }

    private static func reference(
        ofNumbers histogram: KassaV1.ReferenceHistogram
    ) -> DriftReference? {
        guard histogram.edges.count < edgeLanes else { return nil }
        return try? DriftReference(
            bins: .numbers(edges: histogram.edges),
            counts: histogram.counts + [histogram.missing, histogram.outOfRange])
    }

    /// The codes of a text's most frequent categories, each once, and the counts by code: what has the
    /// code of unknown texts counts as unseen.
    private static func merged(
        _ histogram: KassaV1.ReferenceHistogram, _ plan: VectorPlan, _ input: Int
    ) -> (codes: [Float], texts: [String], counts: [UInt64]) {
        var codes: [Float] = []
        var texts: [String] = []
        var counts: [UInt64] = []
        var unseen = histogram.unseen
        let other = plan.otherCode(ofInput: input)
        for (category, count) in zip(histogram.categories, histogram.categoryCounts) {
            let code =
                plan.value(ofInput: input, text: category.utf8Span.span).map { Float($0) } ?? .nan
            if code.isNaN || code == other {
                unseen &+= count
            } else if let known = codes.firstIndex(of: code) {
                counts[known] &+= count
            } else {
                codes.append(code)
                texts.append(category)
                counts.append(count)
            }
        }
        return (codes, texts, counts + [histogram.other, unseen, histogram.missing])
    }
}
