// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Values that a caller knows now, which override stored ones.
///
/// Each `value(ofInput:)` gives the float that the input makes of a value, or nil if the value does not
/// fit the input's type, which is the caller's mistake. The gatherer's rules hold: an unknown category
/// is NaN. Write the float into the vector with ``override(_:with:into:_:_:)``, and ``recount(_:_:_:)``
/// once after the last.
extension VectorPlan {
    /// A number, for float and int64 inputs; for int64 it must be whole.
    package func value(ofInput input: Int, number: Double) -> Float? {
        switch types[input] {
        case .float32, .float64:
            return number.isFinite && Float(number).isFinite ? Float(number) : nil
        case .int64:
            return Int64(exactly: number).map { Float($0) }
        case .bool, .string:
            return nil
        }
    }

    /// An integer, for int64 and float inputs.
    package func value(ofInput input: Int, integer: Int64) -> Float? {
        switch types[input] {
        case .float32, .float64, .int64: Float(integer)
        case .bool, .string: nil
        }
    }

    /// A flag, for bool inputs.
    package func value(ofInput input: Int, flag: Bool) -> Float? {
        types[input] == .bool ? (flag ? 1 : 0) : nil
    }

    /// A text, for string inputs.
    package func value(ofInput input: Int, text: Span<UInt8>) -> Float? {
        guard types[input] == .string else { return nil }
        let table = unsafe tables[rules[input].table]
        let code = table.index(of: text)
        return code < 0 ? .nan : Float(code)
    }

    /// Puts a context value in the place of what was gathered: present, of age 0; nil is a null.
    package func override(
        _ input: Int, with value: Float?, into vector: inout MutableSpan<Float>,
        _ statuses: inout MutableSpan<UInt8>, _ ages: inout MutableSpan<Int64>
    ) {
        vector[input] = value ?? .nan
        statuses[input] = (value == nil ? ValueStatus.null : .present).rawValue
        ages[input] = 0
    }

    /// Counts degraded inputs and the oldest age anew, after overrides.
    package func recount(
        _ statuses: Span<UInt8>, _ ages: Span<Int64>, _ summary: inout GatherSummary
    ) {
        precondition(statuses.count == count)
        precondition(ages.count == count)
        summary.degradedCount = 0
        summary.oldestAge = -1
        for input in statuses.indices {
            let status = statuses[input]
            if status != ValueStatus.present.rawValue { summary.degradedCount += 1 }
            if status == ValueStatus.present.rawValue || status == ValueStatus.stale.rawValue {
                summary.oldestAge = max(summary.oldestAge, ages[input])
            }
        }
    }
}
