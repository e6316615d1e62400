// SPDX-License-Identifier: Apache-2.0

/// What can go wrong with one scored request, on either arm.
package enum BadEvent: Int, CaseIterable, Sendable {
    /// The score failed or came too late to be used.
    case error
    /// The score came later than the scorer's latency objective.
    case sloMiss
    /// A feature that only this model has was null, stale or defaulted. (One that fails and has to be stood in for is
    /// an error, which is weighed alike of both models.)
    case fallback
}

/// What went wrong with one scored request; empty if nothing did.
///
/// A literal such as `[.error, .sloMiss]` may make an array: on a hot path, insert into an empty set.
package struct RequestOutcome: OptionSet, BitwiseCopyable, Sendable {
    /// A bit per ``BadEvent``, by its raw value.
    package let rawValue: UInt8

    /// The set with these bits.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// ``BadEvent/error`` happened.
    package static let error = RequestOutcome(.error)
    /// ``BadEvent/sloMiss`` happened.
    package static let sloMiss = RequestOutcome(.sloMiss)
    /// ``BadEvent/fallback`` happened.
    package static let fallback = RequestOutcome(.fallback)

    /// The set of one event.
    package init(_ event: BadEvent) {
        rawValue = 1 << UInt8(event.rawValue)
    }

    /// Calls `body` for each event of the set; `allCases` would make an array.
    @inline(__always)
    func forEach(_ body: (BadEvent) -> Void) {
        if contains(.error) { body(.error) }
        if contains(.sloMiss) { body(.sloMiss) }
        if contains(.fallback) { body(.fallback) }
    }
}
