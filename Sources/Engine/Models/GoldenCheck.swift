// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Models

/// Compares what a model makes of its golden rows with what its trainer says that it must.
///
/// The rows go the way of a request: through the plan's encodings and stand-ins, the model, the pinned
/// output and its calibration. So a model that passes scores as it was trained to.
struct GoldenCheck {
    let plan: VectorPlan
    let model: CompiledModel
    let output: ScoreOutput

    /// Checks the form of rows, before there is a model.
    static func check(form rows: [KassaV1.GoldenRow], at field: String) throws(EngineError) {
        guard !rows.isEmpty else {
            throw EngineError(
                .invalidArgument,
                "\(field): a model needs at least one golden row, inputs with the score that its "
                    + "trainer got for them; `kassa model upload --golden FILE` takes them from a file"
            )
        }
        guard rows.count <= BundleLimits.goldenRowsMax else {
            throw EngineError(
                .invalidArgument, "\(field): more than \(BundleLimits.goldenRowsMax) rows")
        }
        for (index, row) in rows.enumerated() {
            let place = "\(field)[\(index)]"
            guard row.row.isEmpty != row.values.isEmpty else {
                throw EngineError(.invalidArgument, "\(place): must have a row or values, not both")
            }
            guard row.score != nil || row.margin != nil else {
                throw EngineError(.invalidArgument, "\(place): must have a score or a margin")
            }
            guard (row.score ?? 0).isFinite, (row.margin ?? 0).isFinite else {
                throw EngineError(.invalidArgument, "\(place): score and margin must be finite")
            }
            let widest =
                BundleLimits.goldenToleranceShareMax
                * min(max(1, abs(row.score ?? .infinity)), max(1, abs(row.margin ?? .infinity)))
            guard row.tolerance >= 0, row.tolerance <= widest else {
                throw EngineError(
                    .invalidArgument,
                    "\(place).tolerance: must be from 0 to \(BundleLimits.goldenToleranceShareMax), "
                        + "or that share of an expected number above 1")
            }
        }
    }

    /// Throws for the first row that the model does not meet.
    func run(_ rows: [KassaV1.GoldenRow], at field: String) throws(EngineError) {
        let scratch = ScoreScratch(inputCount: plan.count, model: model)
        for (index, row) in rows.enumerated() {
            let place = "\(field)[\(index)]"
            if row.values.isEmpty {
                guard row.row.count == plan.count else {
                    throw EngineError(
                        .invalidArgument, "\(place).row: the artefact takes \(plan.count) values")
                }
                scratch.set(row.row)
            } else {
                try fill(scratch, row.values, at: "\(place).values")
            }
            guard scratch.evaluate(by: model), output.score(scratch).isFinite else {
                throw EngineError(
                    .invalidArgument, "\(place): the model gives a score that is no number")
            }
            try compare(output.score(scratch), row.score, row.tolerance, at: "\(place).score")
            try compare(
                scratch.margin(output.marginIndex), row.margin, row.tolerance,
                at: "\(place).margin")
        }
    }

    private func compare(
        _ actual: Double, _ expected: Double?, _ tolerance: Double, at field: String
    ) throws(EngineError) {
        guard let expected else { return }
        let allowed =
            tolerance > 0 ? tolerance : BundleLimits.goldenToleranceShare * max(1, abs(expected))
        let distance = abs(actual - expected)
        guard distance <= allowed else {
            throw EngineError(
                .invalidArgument,
                "\(field): the model gives \(actual), which is off by \(distance) where \(allowed) "
                    + "is allowed; check the order and encoding of the inputs, and the output")
        }
    }

    /// Values by name, over the stand-ins for a row that is not stored.
    private func fill(
        _ scratch: ScoreScratch, _ values: [KassaV1.NamedValue], at field: String
    ) throws(EngineError) {
        var summary = GatherSummary()
        for group in plan.groups.indices {
            scratch.gather(nil, group: group, of: plan, now: 0, &summary)
        }
        for (index, named) in values.enumerated() {
            guard let input = plan.input(named: named.name.utf8Span.span) else {
                throw EngineError(
                    .invalidArgument,
                    "\(field)[\(index)].name: no input of the model has it, or several have")
            }
            if case .null = named.value?.kind {
                scratch.override(input, with: nil, of: plan)
                continue
            }
            let numbers = numbers(named.value, ofInput: input)
            guard !numbers.isEmpty else {
                throw EngineError(
                    .invalidArgument,
                    "\(field)[\(index)].value: it does not fit \(plan.names[input]), which is a "
                        + "\(plan.types[input].name)")
            }
            for (offset, number) in numbers.enumerated() {
                scratch.override(input + offset, with: number, of: plan)
            }
        }
    }

    /// What the model sees of a value, a number for each input that it feeds; none if it does not fit.
    private func numbers(_ value: KassaV1.Value?, ofInput input: Int) -> [Double] {
        let isText = plan.types[input] == .string
        switch value?.kind {
        case .text(let text):
            return plan.value(ofInput: input, text: text.utf8Span.span).map { [$0] } ?? []
        case .vector(let vector):
            return plan.takes(vector: vector.values, atInput: input)
                ? vector.values.map { Double($0) } : []
        case .number(let number):
            return isText || !Float(number).isFinite || isVector(input)
                ? [] : [narrowed(number, input)]
        case .integer(let integer):
            return isText || isVector(input) ? [] : [narrowed(Double(integer), input)]
        case .flag(let flag):
            return plan.types[input] == .bool ? [flag ? 1 : 0] : []
        case .null, .strings, nil:
            return []
        }
    }

    /// As it would be after having been stored.
    private func narrowed(_ number: Double, _ input: Int) -> Double {
        plan.types[input] == .float32 ? Double(Float(number)) : number
    }

    private func isVector(_ input: Int) -> Bool { plan.types[input].dimension > 0 }
}
