// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Wire

/// Values that a request brings along.
extension Worker {
    /// Puts the values that the request brings along over the stored ones.
    func applyContext(
        of message: Span<UInt8>, for scorer: Scorer, to scratch: ScoreScratch, at now: Timestamp,
        _ summary: inout GatherSummary
    ) throws(EngineError) {
        for index in request.context.indices {
            let context = request.context[index]
            guard let input = scorer.plan.input(named: message.extracting(context.name)) else {
                throw EngineError(
                    .invalidArgument,
                    "context[\(index)].name: no input of the scorer has it, or several have")
            }
            if case .vector(let components) = context.kind,
                scorer.plan.takes(vector: components, atInput: input)
            {
                for (index, component) in components.enumerated() {
                    scratch.override(input + index, with: Double(component), of: scorer.plan)
                }
                continue
            }
            let isNull = if case .null = context.kind { true } else { false }
            let value: Double? =
                switch context.kind {
                case .number(let number): scorer.plan.value(ofInput: input, number: number)
                case .integer(let integer):
                    scorer.plan.value(ofInput: input, integer: integer, now: now.microseconds)
                case .flag(let flag): scorer.plan.value(ofInput: input, flag: flag)
                case .text(let range):
                    scorer.plan.value(ofInput: input, text: message.extracting(range))
                case .null, .missing, .vector: nil
                }
            guard value != nil || isNull else {
                throw EngineError(
                    .invalidArgument,
                    "context[\(index)].value: it does not fit \(scorer.plan.names[input]), "
                        + "which is a \(scorer.plan.types[input].name)")
            }
            scratch.override(input, with: value, of: scorer.plan)
        }
        scratch.recount(by: scorer.plan, &summary)
    }
}
