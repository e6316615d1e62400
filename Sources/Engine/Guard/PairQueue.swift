// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Rollout

/// Requests of one turn of a loop that the other model has still to score.
///
/// A vector is copied while its caller waits; the model runs when the replies of the turn were sent.
/// It belongs to the loop's thread and allocates nothing after `init`.
struct PairQueue: ~Copyable {
    /// A request that one model has answered.
    struct Pair {
        var event: GuardEvent
        /// The place of the scorer's STABLE slot.
        var place: Int
        /// The place of the model that is still to score.
        var other: Int
        /// What the answer was.
        var score: Double
        /// What the other model's part has taken so far.
        var nanoseconds: UInt64
        /// What the other model gave; NaN before, and if that is no number.
        fileprivate(set) var otherScore = Double.nan
        /// The place of what is to be recorded, once both scores are known; -1 if nothing is.
        fileprivate(set) var record = -1
        /// Whether a value of the vector is not PRESENT; only then are its statuses kept.
        var isDegraded: Bool
        /// Where its vector begins.
        fileprivate(set) var start = 0
    }

    private(set) var pairs: [Pair] = []
    private(set) var records: [RecordedScore] = []
    private(set) var values: [Double]
    private(set) var statuses: [UInt8]
    private var inputCount = 0

    init() {
        pairs.reserveCapacity(GuardLimits.waitingPairsMax)
        records.reserveCapacity(GuardLimits.waitingPairsMax)
        values = [Double](repeating: .nan, count: GuardLimits.waitingInputsMax)
        statuses = [UInt8](repeating: 0, count: GuardLimits.waitingInputsMax)
    }

    /// Whether a vector of that many inputs finds no room.
    func isFull(for count: Int) -> Bool {
        pairs.count == GuardLimits.waitingPairsMax || inputCount + count > values.count
    }

    var isEmpty: Bool { pairs.isEmpty }
    var count: Int { pairs.count }

    /// The model that is to score a pair.
    func model(_ index: Int) -> Int { pairs[index].other }

    /// Where a pair's vector begins.
    func start(_ index: Int) -> Int { pairs[index].start }

    /// The first place, `place` or behind it, of a model that pairs wait for; nil if there is none.
    func firstModel(from place: Int) -> Int? {
        var first = Int.max
        for index in pairs.indices where pairs[index].other >= place {
            first = min(first, pairs[index].other)
        }
        return first == .max ? nil : first
    }

    /// Takes a pair, with the vector that is in `scratch`.
    mutating func append(_ pair: Pair, _ record: RecordedScore?, _ scratch: ScoreScratch) {
        var pair = pair
        pair.start = inputCount
        if let record {
            pair.record = records.count
            records.append(record)
        }
        var span = values.mutableSpan
        scratch.copyVector(to: &span, at: pair.start)
        if pair.isDegraded {
            var span = statuses.mutableSpan
            scratch.copyStatuses(to: &span, at: pair.start)
        }
        inputCount += scratch.inputCount
        pairs.append(pair)
    }

    /// Notes what the other model gave for a pair, and when.
    mutating func finish(
        _ index: Int, _ score: Double, took nanoseconds: UInt64, at now: MonotonicTime
    ) {
        pairs[index].otherScore = score
        pairs[index].nanoseconds &+= nanoseconds
        pairs[index].event.atNanoseconds = now.nanoseconds
    }

    mutating func removeAll() {
        pairs.removeAll(keepingCapacity: true)
        records.removeAll(keepingCapacity: true)
        inputCount = 0
    }
}
