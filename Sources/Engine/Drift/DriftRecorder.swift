// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Metrics

/// One loop's way from scored vectors to the frozen bins of their models.
///
/// A vector is only copied while its caller waits; it is sorted into the bins by ``settle()``, when the
/// replies of the turn have been sent. A vector that finds no room is sorted in at once.
@safe final class DriftRecorder {
    // Safe: the blocks have the sizes in DriftLimits; what is written is checked against them.
    private let values: UnsafeMutablePointer<Float>
    private let statuses: UnsafeMutablePointer<UInt8>
    private let entries: UnsafeMutablePointer<Entry>
    private var entryCount = 0
    private var floatCount = 0
    /// By the place of a slot in the configuration.
    private var lanes: [Lane] = []
    private var generator: SeededGenerator
    private let book: DriftBook
    private let loop: Int

    /// A vector that waits.
    private struct Entry {
        let place: Int
        let firstFloat: Int
        let score: Double
        let isDegraded: Bool
    }

    /// Where one slot's vectors are counted; of a slot that is not watched, nothing.
    private struct Lane {
        let plan: DriftPlan?
        let cells: Cells?
        let sampleEvery: UInt64
    }

    init(_ book: DriftBook, loop: Int) {
        self.book = book
        self.loop = loop
        generator = SeededGenerator(seed: UInt64.random(in: 0 ... .max))
        unsafe values = .allocate(capacity: DriftLimits.backlogFloats)
        unsafe statuses = .allocate(capacity: DriftLimits.backlogFloats)
        unsafe entries = .allocate(capacity: DriftLimits.backlogVectors)
        unsafe values.initialize(repeating: 0, count: DriftLimits.backlogFloats)
        unsafe statuses.initialize(repeating: 0, count: DriftLimits.backlogFloats)
    }

    deinit {
        unsafe values.deallocate()
        unsafe statuses.deallocate()
        unsafe entries.deallocate()
    }

    /// Looks up the counters that `configuration` needs, after counting what waits under the one before.
    func prepare(for configuration: Configuration) {
        settle()
        lanes = configuration.scorers.map { scorer in
            let counters = book.counters(of: scorer)
            return Lane(
                plan: counters?.plan, cells: counters?.lanes[loop],
                sampleEvery: UInt64(max(scorer.spec.drift?.sampleEvery ?? 0, 1)))
        }
    }

    /// Takes what the slot at `place` has scored last.
    ///
    /// - Parameter isDegraded: whether a value is not PRESENT.
    /// - Complexity: O(inputs); allocates nothing.
    func observe(_ scratch: ScoreScratch, isDegraded: Bool, score: Double, place: Int) {
        let lane = lanes[place]
        guard let plan = lane.plan else { return }
        if lane.sampleEvery > 1,
            generator.next().multipliedFullWidth(by: lane.sampleEvery).high != 0
        {
            return
        }
        let count = plan.inputCount
        precondition(count == scratch.inputCount)
        if entryCount == DriftLimits.backlogVectors
            || floatCount + count > DriftLimits.backlogFloats
        {
            settle()
        }
        guard count <= DriftLimits.backlogFloats else { return }
        unsafe scratch.copy(to: values + floatCount, statuses + floatCount)
        unsafe (entries + entryCount).initialize(
            to: Entry(
                place: place, firstFloat: floatCount, score: score, isDegraded: isDegraded))
        entryCount += 1
        floatCount += count
    }

    /// Sorts in what waits.
    ///
    /// - Complexity: O(vectors × watched inputs); allocates nothing.
    func settle() {
        guard entryCount > 0 else { return }
        for index in 0..<entryCount {
            let entry = unsafe entries[index]
            let lane = lanes[entry.place]
            guard let plan = lane.plan, let cells = lane.cells else { continue }
            unsafe plan.count(
                values + entry.firstFloat,
                entry.isDegraded ? UnsafePointer(statuses + entry.firstFloat) : nil,
                score: entry.score, into: cells)
        }
        entryCount = 0
        floatCount = 0
    }
}
