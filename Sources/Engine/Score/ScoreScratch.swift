// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Models

/// The memory that one loop scores one scorer's requests in; reused from request to request.
@safe final class ScoreScratch {
    // Safe: the blocks have as many elements as the model has inputs, margins and predictions; they are
    // initialised in init and freed in deinit, and every index from outside is checked.
    private let vector: UnsafeMutableBufferPointer<Double>
    /// The vector as a model that computes in float32 sees it.
    private let narrow: UnsafeMutableBufferPointer<Float>
    private let statuses: UnsafeMutableBufferPointer<UInt8>
    private let ages: UnsafeMutableBufferPointer<Int64>
    private let margins: UnsafeMutableBufferPointer<Double>
    private let predictions: UnsafeMutableBufferPointer<Double>

    /// How many inputs the vector has.
    let inputCount: Int

    /// Memory for vectors of `inputCount` inputs and what `model` makes of them.
    init(inputCount: Int, model: CompiledModel) {
        self.inputCount = inputCount
        predictionCount = model.output.count
        marginCount = model.marginCount
        unsafe margins = .allocate(capacity: model.marginCount)
        unsafe margins.initialize(repeating: 0)
        unsafe predictions = .allocate(capacity: model.output.count)
        unsafe predictions.initialize(repeating: 0)
        unsafe vector = .allocate(capacity: inputCount)
        unsafe vector.initialize(repeating: .nan)
        unsafe narrow = .allocate(capacity: inputCount)
        unsafe narrow.initialize(repeating: .nan)
        unsafe statuses = .allocate(capacity: inputCount)
        unsafe statuses.initialize(repeating: 0)
        unsafe ages = .allocate(capacity: inputCount)
        unsafe ages.initialize(repeating: -1)
    }

    deinit {
        unsafe vector.deallocate()
        unsafe narrow.deallocate()
        unsafe statuses.deallocate()
        unsafe ages.deallocate()
        unsafe margins.deallocate()
        unsafe predictions.deallocate()
    }

    /// What the model sees of an input; NaN is missing.
    func value(_ input: Int) -> Double {
        precondition(input >= 0 && input < inputCount)
        return unsafe vector[input]
    }

    /// The raw ``ValueStatus`` of an input.
    func status(_ input: Int) -> UInt8 {
        precondition(input >= 0 && input < inputCount)
        return unsafe statuses[input]
    }

    /// The age of an input's stored value in microseconds; -1 where there is none.
    func age(_ input: Int) -> Int64 {
        precondition(input >= 0 && input < inputCount)
        return unsafe ages[input]
    }

    /// Fills in the inputs of one group of `plan` from its row, or from there being none.
    func gather(
        _ row: Span<UInt8>?, group: Int, of plan: VectorPlan, now: Int64,
        _ summary: inout GatherSummary
    ) {
        var values = unsafe MutableSpan(_unsafeElements: vector)
        var statuses = unsafe MutableSpan(_unsafeElements: statuses)
        var ages = unsafe MutableSpan(_unsafeElements: ages)
        plan.gather(row, group: group, now: now, into: &values, &statuses, &ages, &summary)
    }

    /// Puts a value that the request brings along in the place of what is stored; nil is a null.
    func override(_ input: Int, with value: Double?, of plan: VectorPlan) {
        var values = unsafe MutableSpan(_unsafeElements: vector)
        var statuses = unsafe MutableSpan(_unsafeElements: statuses)
        var ages = unsafe MutableSpan(_unsafeElements: ages)
        plan.override(input, with: value, into: &values, &statuses, &ages)
    }

    /// Counts degraded inputs and the oldest age anew, after overrides.
    func recount(by plan: VectorPlan, _ summary: inout GatherSummary) {
        plan.recount(
            unsafe Span(_unsafeElements: statuses), unsafe Span(_unsafeElements: ages), &summary)
    }

    /// Why there is no score, in words: the feature that forbids it and its status.
    func failure(_ summary: GatherSummary, of plan: VectorPlan) -> String {
        plan.failure(summary, unsafe Span(_unsafeElements: statuses))
    }

    /// Evaluates the model for the vector, in the model's own precision; false if a prediction is no number.
    func evaluate(by model: CompiledModel) -> Bool {
        var results = unsafe MutableSpan(_unsafeElements: predictions)
        var sums = unsafe MutableSpan(_unsafeElements: margins)
        for index in 0..<inputCount { unsafe narrow[index] = Float(vector[index]) }
        if model.comparesDoubles {
            model.evaluate(
                row: unsafe Span(_unsafeElements: vector), margins: &sums, predictions: &results)
        } else {
            model.evaluate(
                row: unsafe Span(_unsafeElements: narrow), margins: &sums, predictions: &results)
        }
        for index in 0..<results.count where !results[index].isFinite { return false }
        return true
    }

    /// Copies the vector to `values`, beginning at `start`.
    func copyVector(to values: inout MutableSpan<Double>, at start: Int) {
        for input in 0..<inputCount { unsafe values[start + input] = vector[input] }
    }

    /// Takes the vector that ``copyVector(to:at:)`` copied.
    func setVector(_ values: Span<Double>, at start: Int) {
        for input in 0..<inputCount { unsafe vector[input] = values[start + input] }
    }

    /// Copies the statuses to `raw`, beginning at `start`.
    func copyStatuses(to raw: inout MutableSpan<UInt8>, at start: Int) {
        for input in 0..<inputCount { unsafe raw[start + input] = statuses[input] }
    }

    /// Takes the statuses that ``copyStatuses(to:at:)`` copied.
    func setStatuses(_ raw: Span<UInt8>, at start: Int) {
        for input in 0..<inputCount { unsafe statuses[input] = raw[start + input] }
    }

    /// Copies the evaluated vector in float32 and its statuses, ``inputCount`` of each.
    @unsafe func copy(
        to values: UnsafeMutablePointer<Float>, _ rawStatuses: UnsafeMutablePointer<UInt8>
    ) {
        guard let narrow = unsafe narrow.baseAddress,
            let statuses = unsafe statuses.baseAddress
        else { return }
        unsafe values.update(from: narrow, count: inputCount)
        unsafe rawStatuses.update(from: statuses, count: inputCount)
    }

    /// Takes a whole row as it is, every value of it present.
    func set(_ row: [Float]) {
        precondition(row.count == inputCount)
        for index in row.indices { unsafe vector[index] = Double(row[index]) }
    }

    /// What each input adds to each margin of the vector; see ``CompiledModel``.
    func contributions(by model: CompiledModel) -> [Double] {
        var contributions = [Double](repeating: 0, count: model.contributionCount)
        var results = contributions.mutableSpan
        unsafe model.contributions(of: Span(_unsafeElements: vector), into: &results)
        return contributions
    }

    /// A raw output of the last evaluation.
    func margin(_ index: Int) -> Double {
        precondition(index >= 0 && index < marginCount)
        return unsafe margins[index]
    }

    private let marginCount: Int
    /// How many predictions the model makes.
    let predictionCount: Int

    /// A prediction of the last evaluation.
    func prediction(_ index: Int) -> Double {
        precondition(index >= 0 && index < predictionCount)
        return unsafe predictions[index]
    }
}
