// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Metrics
internal import Rollout

extension DriftPlan {
    /// Sorts a vector and its score into the bins; only the writer of `cells` may.
    ///
    /// A value is missing if the model sees none. A text whose code is that of unknown ones is unseen.
    ///
    /// - Parameters:
    ///   - values: ``inputCount`` floats.
    ///   - statuses: the raw ``ValueStatus`` of each.
    /// - Complexity: O(watched inputs), without a branch on values; allocates nothing.
    func count(
        _ values: UnsafePointer<Float>, _ statuses: UnsafePointer<UInt8>, score: Double,
        into cells: Cells
    ) {
        if hasScore { cells.add(1, at: unsafe Self.place(of: score, scoreEdges)) }
        var cell = firstNumberCell
        for index in 0..<numberCount {
            let input = unsafe numberInputs[index]
            let value = unsafe values[input]
            let place = unsafe Self.place(of: value, edges + index * Self.edgeLanes)
            cells.add(1, at: cell + place)
            if unsafe Self.isStale(statuses[input]) { cells.add(1, at: cell + NumberCell.stale) }
            cell += NumberCell.stride
        }
        for index in 0..<categoryCount {
            let input = unsafe categoryInputs[index]
            let place = unsafe categoryPlace(of: values[input], statuses[input], index)
            cells.add(1, at: cell + place)
            if unsafe Self.isStale(statuses[input]) {
                cells.add(1, at: cell + CategoryCell.stale)
            }
            cell += CategoryCell.stride
        }
    }

    /// The cell of a number among those of its watch: how many edges it has reached.
    @inline(__always)
    private static func place<Number: BinaryFloatingPoint>(
        of value: Number, _ edges: UnsafePointer<Number>
    ) -> Int {
        var reached: Int32 = 0
        for lane in 0..<edgeLanes { reached &+= unsafe value >= edges[lane] ? 1 : 0 }
        return value.isNaN ? NumberCell.missing : Int(reached)
    }

    @inline(__always)
    private func categoryPlace(of code: Float, _ status: UInt8, _ index: Int) -> Int {
        let codes = unsafe codes + index * Self.codeLanes
        // Codes are different: at most one lane adds its number.
        var found: Int32 = 0
        for lane in 0..<Self.codeLanes {
            found &+= unsafe code == codes[lane] ? Int32(lane + 1) : 0
        }
        if found > 0 { return Int(found) - 1 }
        if code.isNaN {
            return status == ValueStatus.present.rawValue
                ? CategoryCell.unseen : CategoryCell.missing
        }
        return unsafe code == otherCodes[index] ? CategoryCell.unseen : CategoryCell.other
    }

    @inline(__always)
    private static func isStale(_ status: UInt8) -> Bool {
        status == ValueStatus.stale.rawValue || status == ValueStatus.expired.rawValue
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
