// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Models

/// Which number of a model's answer is the score: pinned in the bundle, or what the artefact suggests.
///
/// An object, so that scoring by it copies no calibration.
final class ScoreOutput: Sendable {
    private enum Source {
        case prediction(Int)
        case margin(Int)
        /// The number of the class with the largest prediction.
        case largest
        /// 1 if the only probability is above a half, else 0.
        case half
    }

    private let source: Source
    private let calibration: ScoreCalibration
    /// The margin that stands behind the score.
    let marginIndex: Int

    /// The output that a spec pins for `model`, checked.
    init(_ spec: KassaV1.ModelOutput?, of model: CompiledModel) throws(EngineError) {
        let spec = spec ?? KassaV1.ModelOutput()
        let output = model.output
        let index = Int(spec.index)
        func check(_ isRight: Bool, _ field: String, _ reason: String) throws(EngineError) {
            guard isRight else {
                throw EngineError(.invalidArgument, "spec.output.\(field): \(reason)")
            }
        }
        calibration = try ScoreCalibration(spec.calibration, at: "spec.output.calibration")
        switch spec.kind {
        case .unspecified:
            try check(index == 0, "index", "must be 0 without a kind")
            source = .prediction(output.scoreIndex)
        case .outputProbability:
            try check(
                output.kind == .probability || output.kind == .classes, "kind",
                "the artefact predicts no probabilities")
            try check(index < output.count, "index", "the artefact has \(output.count) predictions")
            source = .prediction(index)
        case .outputValue:
            try check(index < output.count, "index", "the artefact has \(output.count) predictions")
            source = .prediction(index)
        case .outputMargin:
            try check(
                index < model.marginCount, "index", "the artefact has \(model.marginCount) margins")
            source = .margin(index)
        case .outputClass:
            try check(index == 0, "index", "must be 0 for a class")
            try check(spec.calibration == nil, "calibration", "a class has none")
            switch output.kind {
            case .classes: source = .largest
            case .probability: source = .half
            case .label: source = .prediction(0)
            case .value:
                throw EngineError(
                    .invalidArgument, "spec.output.kind: the artefact predicts no classes")
            }
        default:
            throw EngineError(
                .invalidArgument, "spec.output.kind: it is none that this release knows")
        }
        switch source {
        case .prediction:
            let isRaw = if case .none = calibration { true } else { false }
            isProbability =
                isRaw && (output.kind == .probability || spec.kind == .outputProbability)
        // What a calibration makes is a probability by itself.
        case .margin, .largest, .half: isProbability = false
        }
        switch source {
        case .prediction, .margin:
            if case .none = calibration {
                range = isProbability ? 0...1 : nil
            } else {
                range = 0...1
            }
        case .half: range = 0...1
        case .largest: range = 0...Double(max(output.count, 2) - 1)
        }
        switch source {
        case .margin(let index): marginIndex = index
        case .prediction(let index) where output.count == model.marginCount: marginIndex = index
        case .prediction, .largest, .half: marginIndex = 0
        }
    }

    /// Whether every score must be a probability.
    let isProbability: Bool
    /// What scores lie in; nil if they may be any number.
    let range: ClosedRange<Double>?

    /// The score of the last evaluation in `scratch`.
    ///
    /// - Complexity: O(classes + log points of the calibration); allocates nothing.
    func score(_ scratch: ScoreScratch) -> Double {
        switch source {
        case .prediction(let index): return calibration.apply(scratch.prediction(index))
        case .margin(let index): return calibration.apply(scratch.margin(index))
        case .half: return scratch.prediction(0) > 0.5 ? 1 : 0
        case .largest:
            var best = 0
            for index in 1..<scratch.predictionCount
            where scratch.prediction(index) > scratch.prediction(best) {
                best = index
            }
            return Double(best)
        }
    }
}
