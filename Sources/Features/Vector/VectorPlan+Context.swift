// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Values that a caller knows now, which override stored ones.
///
/// Each `value(ofInput:)` gives the number that the input makes of a value, or nil if the value does not
/// fit the input's type, which is the caller's mistake. The gatherer's rules hold: an unknown category
/// is NaN. Write the number into the vector with ``override(_:with:into:_:_:)``, and ``recount(_:_:_:)``
/// once after the last.
extension VectorPlan {
    /// A number, for float and int64 inputs; for int64 it must be whole. A timestamp takes integers.
    package func value(ofInput input: Int, number: Double) -> Double? {
        switch types[input] {
        case .float32:
            return Float(number).isFinite ? Double(Float(number)) : nil
        case .float64:
            return Float(number).isFinite ? number : nil
        case .int64:
            return Int64(exactly: number) == nil ? nil : number
        case .bool, .string, .timestamp, .vector, .strings:
            return nil
        }
    }

    /// An integer, for int64 and float inputs, and in microseconds for timestamps; `now` is, too.
    package func value(ofInput input: Int, integer: Int64, now: Int64) -> Double? {
        switch types[input] {
        case .float32: Double(Float(integer))
        case .float64, .int64: Double(integer)
        case .timestamp:
            FeatureLimits.timestamps.contains(integer)
                ? InputRule.seconds(since: integer, now: now) : nil
        case .bool, .string, .vector, .strings: nil
        }
    }

    /// Whether a vector's inputs begin at `input` and take these components.
    package func takes(vector: [Float], atInput input: Int) -> Bool {
        guard case .vector(let dimension) = types[input] else { return false }
        return vector.count == Int(dimension) && vector.allSatisfy(\.isFinite)
    }

    /// A flag, for bool inputs.
    package func value(ofInput input: Int, flag: Bool) -> Double? {
        types[input] == .bool ? (flag ? 1 : 0) : nil
    }

    /// A text, for string inputs.
    package func value(ofInput input: Int, text: Span<UInt8>) -> Double? {
        guard types[input] == .string else { return nil }
        let rule = unsafe rules[input]
        return unsafe Double(codes[rule.firstCode + tables[rule.table].index(of: text)])
    }

    /// What a model sees of a text that is no category: NaN unless it brings a code, or is no string.
    package func otherCode(ofInput input: Int) -> Float {
        guard types[input] == .string else { return .nan }
        return unsafe codes[rules[input].firstCode - 1]
    }

    /// Puts a context value in the place of what was gathered: present, of age 0; nil is a null, of all
    /// inputs that the feature feeds.
    package func override(
        _ input: Int, with value: Double?, into vector: inout MutableSpan<Double>,
        _ statuses: inout MutableSpan<UInt8>, _ ages: inout MutableSpan<Int64>
    ) {
        vector[input] = value ?? .nan
        statuses[input] = (value == nil ? ValueStatus.null : .present).rawValue
        ages[input] = 0
        guard value == nil else { return }
        for index in unsafe input + 1..<input + max(rules[input].count, 1) {
            vector[index] = .nan
            statuses[index] = ValueStatus.null.rawValue
            ages[index] = 0
        }
    }

    /// Why there is no score, in words, when the summary names a failed input.
    package func failure(_ summary: GatherSummary, _ statuses: Span<UInt8>) -> String {
        let input = summary.failedInput
        guard statuses.indices.contains(input) else { return "no feature failed" }
        let status = ValueStatus(rawValue: statuses[input])?.name ?? "unknown"
        return
            "feature \(setNames[input]).\(names[input]): is \(status), and must not be for a score"
    }

    /// Counts degraded inputs and the oldest age anew, and looks for failures, after overrides.
    package func recount(
        _ statuses: Span<UInt8>, _ ages: Span<Int64>, _ summary: inout GatherSummary
    ) {
        precondition(statuses.count == count)
        precondition(ages.count == count)
        summary.degradedCount = 0
        summary.oldestAge = -1
        summary.failedInput = -1
        for input in statuses.indices {
            let status = statuses[input]
            if status != ValueStatus.present.rawValue { summary.degradedCount += 1 }
            let rule = unsafe rules[input]
            if rule.failing.has(status) { summary.fail(input) }
            if status == ValueStatus.present.rawValue
                || status == ValueStatus.stale.rawValue && !rule.hidesStale
            {
                summary.oldestAge = max(summary.oldestAge, ages[input])
            }
        }
    }
}
