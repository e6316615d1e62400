// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Models
internal import Rollout

/// A slot of the configuration in force as one loop serves it: what all loops share of it, with the memory
/// that this one scores in.
///
/// A request takes the lane of the slot that answers and reaches everything else from there, by constants: so it
/// counts one reference, on a cache line that no other loop writes to. Looked up in the configuration, each
/// step of the way would count one on a line that all loops fight for.
///
/// Trap: that holds while a lane is handed down as an argument, and for what is one step away from it. A
/// function that looks a lane up counts again, and so does the second step from what is itself an object.
///
/// ```swift
/// let lane = lanes[assignment.slot]
/// try gather(lane, message, at: now, &summary)
/// ```
final class ScoreLane {
    /// The slot's place among the configuration's models.
    let place: Int
    /// The place of the STABLE slot of the same scorer.
    let stablePlace: Int
    let scorer: Scorer
    /// Of the scorer: what a request needs of it, one step away.
    let plan: VectorPlan
    let compiled: CompiledModel
    let output: ScoreOutput
    let constantReply: [UInt8]
    /// Which of the scorer's slots answers whom.
    let split: Split
    /// What its guard wants to know of requests.
    let watch: Watch
    /// The number of the configuration.
    let epoch: UInt64
    /// Where the loop gathers the slot's vector and evaluates its model.
    let scratch: ScoreScratch

    /// The slot at `place` of `configuration`, with memory that fits its model.
    init(_ place: Int, of configuration: Configuration, _ scratch: ScoreScratch) {
        self.place = place
        stablePlace = configuration.stablePlaces[place]
        scorer = configuration.scorers[place]
        plan = scorer.plan
        compiled = scorer.model.compiled
        output = scorer.model.output
        constantReply = scorer.constantReply
        split = configuration.splits[stablePlace]
        watch = split.watch
        epoch = configuration.epoch
        self.scratch = scratch
    }

    /// Whether it has the model on trial of a watched rollout.
    @inline(__always)
    var isTrial: Bool { place == watch.trial }

    /// The score of the vector in ``scratch``; nil if the model gave no number.
    func evaluate() -> Double? {
        guard scratch.evaluate(by: compiled) else { return nil }
        let score = output.score(scratch)
        return score.isFinite ? score : nil
    }

    /// What a score of its model breaks of what every model promises.
    func contractViolation(_ score: Double) -> ContractViolation? {
        guard score.isFinite else { return .nonFiniteScore }
        return output.isProbability && (score < 0 || score > 1) ? .scoreOutOfRange : nil
    }
}
