// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Models
internal import Wire

/// What each input added to the margin: for replies that ask for it; it allocates.
extension Worker {
    /// Why nothing is scored by a model with a defect.
    static func refusal(ofUnserved model: Model) -> EngineError {
        EngineError(
            .failedPrecondition,
            "model \(model.name) is not served, it failed its check at start: \(model.info.defect)")
    }

    /// Throws if the model has no contributions, or none in reasonable time.
    static func checkContributions(of model: Model) throws(EngineError) {
        guard model.compiled.hasContributions else {
            throw EngineError(
                .failedPrecondition,
                "include: model \(model.name) gives no contributions; trees need the counts or "
                    + "weights of their training rows, and other graphs have none")
        }
        guard model.contributionMicroseconds <= ScoreLimits.contributionMicrosecondsMax else {
            throw EngineError(
                .failedPrecondition,
                "include: the contributions of model \(model.name) take more than "
                    + "\(Int(ScoreLimits.contributionMicrosecondsMax)) µs a row")
        }
    }

    /// Writes the contributions to the margin behind the score, the largest first.
    func writeContributions(
        _ scorer: Scorer, _ scratch: ScoreScratch, into writer: inout WireWriter
    ) {
        typealias Field = KassaV1.ScoreResponse.Field
        typealias Entry = KassaV1.Contribution.Field
        let all = scratch.contributions(by: scorer.model.compiled)
        let first = scorer.model.output.marginIndex * (scratch.inputCount + 1)
        var order = Array(0..<scratch.inputCount)
        order.sort { left, right in
            let (left, right) = (abs(all[first + left]), abs(all[first + right]))
            return left > right
        }
        let asked = Int(request.topContributions)
        let count = asked == 0 ? order.count : min(asked, order.count)
        for input in order[..<count] {
            let entry = writer.begin(Field.contributions)
            writer.bytes(Entry.name, scorer.inputNames[input])
            writer.double(Entry.value, all[first + input])
            writer.end(entry)
        }
        writer.double(Field.expectation, all[first + scratch.inputCount])
        let rest = order[count...].reduce(0) { $0 + all[first + $1] }
        writer.double(Field.otherContributions, rest)
    }
}
