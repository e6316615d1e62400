// SPDX-License-Identifier: Apache-2.0

/// Sorted runs merged into one order: a heap of runs by the record that each has next.
///
/// Of equal keys the record of the earlier run comes first, as it does in the file.
final class RunMerge {
    private let runs: [SpilledRun]
    /// Indices of the runs that have a record: a binary heap, the first record's run on top.
    private var heap: [Int] = []

    /// A merge of `runs`, which lie in the order of the file.
    init(_ runs: [SpilledRun]) throws(LoadError) {
        self.runs = runs
        for index in runs.indices where try runs[index].advance() {
            heap.append(index)
        }
        for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(from: place) }
    }

    /// The run whose record is the next; nil at the end.
    var first: SpilledRun? { heap.first.map { runs[$0] } }

    /// Goes behind the record of ``first``.
    func advance() throws(LoadError) {
        if try !runs[heap[0]].advance() {
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        if !heap.isEmpty { sink(from: 0) }
    }

    private func sink(from start: Int) {
        var place = start
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < heap.count && comes(child, before: least) {
                least = child
            }
            guard least != place else { return }
            heap.swapAt(place, least)
            place = least
        }
    }

    private func comes(_ left: Int, before right: Int) -> Bool {
        let (left, right) = (heap[left], heap[right])
        // Equal keys: the earlier run first.
        return left < right
            ? runs[left].comes(before: runs[right]) : !runs[right].comes(before: runs[left])
    }
}
