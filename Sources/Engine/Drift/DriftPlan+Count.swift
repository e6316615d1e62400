// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Metrics
internal import Rollout

extension DriftPlan {
    /// Sorts a vector and its score into the bins; only the writer of `cells` may.
    ///
    /// A value is missing if the model sees none. A text whose code is that of unknown ones is unseen.
    /// Numbers are taken four at a time, edge by edge.
    ///
    /// - Parameters:
    ///   - values: ``inputCount`` floats.
    ///   - statuses: the raw ``ValueStatus`` of each; nil if all are PRESENT.
    /// - Complexity: O(watched inputs), without a branch on values; allocates nothing.
    func count(
        _ values: UnsafePointer<Float>, _ statuses: UnsafePointer<UInt8>?, score: Double,
        into cells: Cells
    ) {
        if hasScore { cells.add(1, at: unsafe Self.place(of: score, scoreEdges)) }
        var index = 0
        var cell = firstNumberCell
        while index < paddedNumberCount {
            let inputs = unsafe numberInputs + index
            let four = unsafe SIMD4(
                values[inputs[0]], values[inputs[1]], values[inputs[2]], values[inputs[3]])
            let edges = unsafe edges + index &* (Self.edgeLanes / 4)
            var reached = SIMD4<Int32>(repeating: 0)
            for lane in 0..<Self.edgeLanes {
                reached = unsafe reached &+ one(where: four .>= edges[lane])
            }
            reached.replace(with: Int32(NumberCell.missing), where: four .!= four)
            cells.add(1, at: cell &+ Int(reached[0]))
            cells.add(1, at: cell &+ NumberCell.stride &+ Int(reached[1]))
            cells.add(1, at: cell &+ 2 &* NumberCell.stride &+ Int(reached[2]))
            cells.add(1, at: cell &+ 3 &* NumberCell.stride &+ Int(reached[3]))
            index &+= 4
            cell &+= 4 &* NumberCell.stride
        }
        unsafe countCategories(values, statuses, into: cells)
        if let statuses = unsafe statuses { unsafe countStale(statuses, into: cells) }
    }

    private func countCategories(
        _ values: UnsafePointer<Float>, _ statuses: UnsafePointer<UInt8>?, into cells: Cells
    ) {
        var cell = firstCategoryCell
        for index in 0..<categoryCount {
            let input = unsafe categoryInputs[index]
            let code = unsafe values[input]
            let codes = unsafe codes + index &* (Self.codeLanes / 4)
            // Codes are different: at most one lane adds its number.
            var found = SIMD4<Int32>(repeating: 0)
            var numbers = SIMD4<Int32>(1, 2, 3, 4)
            let four = SIMD4(repeating: code)
            for lane in 0..<Self.codeLanes / 4 {
                found = unsafe found &+ numbers.replacing(with: 0, where: four .!= codes[lane])
                numbers &+= 4
            }
            var place = Int(found.wrappedSum()) &- 1
            if place < 0 {
                place = CategoryCell.other
                if code.isNaN {
                    let isText =
                        unsafe statuses.map { unsafe $0[input] }
                        ?? ValueStatus.present.rawValue
                    place =
                        isText == ValueStatus.present.rawValue
                        ? CategoryCell.unseen : CategoryCell.missing
                } else if unsafe code == otherCodes[index] {
                    place = CategoryCell.unseen
                }
            }
            cells.add(1, at: cell &+ place)
            cell &+= CategoryCell.stride
        }
    }

    /// Of a vector that is not as it should be.
    private func countStale(_ statuses: UnsafePointer<UInt8>, into cells: Cells) {
        let stale = ValueStatus.stale.rawValue
        let expired = ValueStatus.expired.rawValue
        for index in 0..<numberCount {
            let status = unsafe statuses[numberInputs[index]]
            guard status == stale || status == expired else { continue }
            cells.add(1, at: firstNumberCell + index * NumberCell.stride + NumberCell.stale)
        }
        for index in 0..<categoryCount {
            let status = unsafe statuses[categoryInputs[index]]
            guard status == stale || status == expired else { continue }
            cells.add(1, at: firstCategoryCell + index * CategoryCell.stride + CategoryCell.stale)
        }
    }

    /// How many edges a score has reached, which is finite.
    private static func place(of score: Double, _ edges: UnsafePointer<Double>) -> Int {
        var reached = 0
        for lane in 0..<edgeLanes { reached &+= unsafe score >= edges[lane] ? 1 : 0 }
        return reached
    }

    /// What fell into the bins of a watch, in the order of its reference, and how many values were stale.
    func fold(
        _ counts: [UInt64], of watch: Watch
    ) -> (counts: [UInt64], stale: UInt64) {
        let first = watch.firstCell
        switch watch.reference.bins {
        case .numbers(let edges):
            let inner = edges.count - 1
            let outside = counts[first] &+ counts[first + inner + 1]
            return (
                Array(counts[first + 1...first + inner])
                    + [counts[first + NumberCell.missing], outside],
                counts[first + NumberCell.stale]
            )
        case .categories(let top, _):
            return (
                Array(counts[first..<first + top.count])
                    + [
                        counts[first + CategoryCell.other], counts[first + CategoryCell.unseen],
                        counts[first + CategoryCell.missing],
                    ],
                counts[first + CategoryCell.stale]
            )
        }
    }
}

/// 1 where `mask` is set, else 0.
@inline(__always)
private func one(where mask: SIMDMask<SIMD4<Int32>>) -> SIMD4<Int32> {
    SIMD4<Int32>(repeating: 0).replacing(with: 1, where: mask)
}
