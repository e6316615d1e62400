// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// Requests of one turn of a loop that the other model has still to score.
///
/// A vector is copied while its caller waits; the model runs when the replies of the turn were sent.
/// It belongs to the loop's thread and allocates nothing after `init`.
struct PairQueue: ~Copyable {
    /// A request that one model has answered.
    struct Pair {
        var event: GuardEvent
        /// The place of the model that is still to score.
        var other: Int
        /// What the answer was.
        var score: Double
        /// What the other model's part has taken so far.
        var nanoseconds: UInt64
        /// What is to be recorded, once both scores are known.
        var record: RecordedScore?
        /// Whether a value of the vector is not PRESENT; only then are its statuses kept.
        var isDegraded: Bool
        var start = 0
        /// Where the vector of the model on trial is, if that may have to be timed again; -1 otherwise.
        var trialStart = -1
        /// What its part has taken then.
        var trialNanoseconds: UInt64 = 0
    }

    /// How the model that answered a request came to its score.
    struct Answer {
        var score: Double
        /// What gathering its vector took.
        var gatheringNanoseconds: UInt64
        /// Whether a value of the vector is not PRESENT.
        var isDegraded: Bool
        /// Whether all of it took so long that the models' times may have to be compared.
        var isSlow: Bool
    }

    private(set) var pairs: [Pair] = []
    private(set) var values: [Double]
    private(set) var statuses: [UInt8]
    private var inputCount = 0

    init() {
        pairs.reserveCapacity(GuardLimits.waitingPairsMax)
        values = [Double](repeating: .nan, count: GuardLimits.waitingInputsMax)
        statuses = [UInt8](repeating: 0, count: GuardLimits.waitingInputsMax)
    }

    /// Whether a vector of that many inputs finds no room.
    func isFull(for count: Int) -> Bool {
        pairs.count == GuardLimits.waitingPairsMax || inputCount + count > values.count
    }

    /// Takes a pair, with the vector that is in `scratch`.
    mutating func append(_ pair: Pair, _ scratch: ScoreScratch) {
        var pair = pair
        pair.start = append(scratch, withStatuses: pair.isDegraded)
        pairs.append(pair)
    }

    /// Takes the vector that is in `scratch`; where it is.
    mutating func append(_ scratch: ScoreScratch, withStatuses: Bool = false) -> Int {
        let start = inputCount
        var span = values.mutableSpan
        scratch.copyVector(to: &span, at: start)
        if withStatuses {
            var span = statuses.mutableSpan
            scratch.copyStatuses(to: &span, at: start)
        }
        inputCount += scratch.inputCount
        return start
    }

    mutating func removeAll() {
        pairs.removeAll(keepingCapacity: true)
        inputCount = 0
    }
}
