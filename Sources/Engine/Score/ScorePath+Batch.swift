// SPDX-License-Identifier: Apache-2.0

package import API
package import Base
internal import Models
package import Wire

/// The request path of `Scoring.ScoreBatch`: each row goes the way of a single request.
extension Worker {
    /// Answers one `ScoreBatchRequest`: writes a `ScoreBatchResponse` into `writer`.
    ///
    /// A row that is refused has the refusal as its result; `refusal` makes it of an error.
    ///
    /// - Throws: why the whole batch is refused; then `writer` holds nothing of use.
    /// - Complexity: that of its rows, which `ScoreLimits.batchMicrosecondsMax` bounds.
    package mutating func scoreBatch(
        _ message: Span<UInt8>, at now: Timestamp, into writer: inout WireWriter,
        refusal: (EngineError) -> KassaV1.Refusal
    ) throws(EngineError) {
        try request.readBatch(message)
        try renewSnapshot()
        let index = configuration.value.scorerIndex.index(of: message.extracting(request.scorer))
        guard index >= 0 else {
            throw EngineError(.notFound, "scorer: there is none of that name")
        }
        try checkCost(of: configuration.value.scorers[index].model)
        let canary = configuration.value.splits[index].canary
        if canary >= 0 { try checkCost(of: configuration.value.scorers[canary].model) }
        for row in request.rows.indices {
            let result = writer.begin(KassaV1.ScoreBatchResponse.Field.results)
            do throws(EngineError) {
                try request.readRow(row, of: message)
                try answer(message, at: now, into: &writer)
            } catch {
                guard error.kind != .malformed else { throw error }
                KassaV1.ScoreResponse(refusal: refusal(error)).encode(into: &writer)
            }
            writer.end(result)
            guard writer.count <= ScoreLimits.batchReplyByteCountMax else {
                throw EngineError(
                    .resourceExhausted,
                    "rows: the reply is larger than \(ScoreLimits.batchReplyByteCountMax) bytes; "
                        + "send fewer rows or include less")
            }
        }
    }

    /// A batch keeps its loop busy, and other requests waiting, no longer than is allowed.
    private func checkCost(of model: Model) throws(EngineError) {
        if !model.isServed { throw Self.refusal(ofUnserved: model) }
        var cost = model.compiled.rowMicroseconds
        if request.includesContributions {
            try Self.checkContributions(of: model)
            cost += model.contributionMicroseconds
        }
        let rowsMax = ScoreLimits.batchRows(ofMicroseconds: cost)
        guard request.rows.count <= rowsMax else {
            throw EngineError(
                .resourceExhausted,
                "rows: model \(model.name) takes \(Int(cost)) µs a row; send at most \(rowsMax)")
        }
    }
}
