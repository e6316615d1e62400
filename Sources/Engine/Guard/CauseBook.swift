// SPDX-License-Identifier: Apache-2.0

internal import Rollout
internal import Synchronization

/// The causes that loops have met, by rollout, each with a number that fits an event.
///
/// A loop asks once per distinct cause and remembers the answer (``LoopCauses``); the guard asks once per
/// number. So neither's lock is taken for a request of a kind that was seen before.
final class CauseBook: Sendable {
    private let causes = Mutex<[UInt64: [GuardCause]]>([:])

    /// The number of a cause, 1 to ``CauseLimits/numbersMax``; 0 if there is no room for one of its kind.
    ///
    /// - Complexity: O(causes of the rollout).
    func number(of cause: GuardCause, in rollout: UInt64) -> UInt8 {
        causes.withLock { causes in
            let known = causes[rollout] ?? []
            if let place = known.firstIndex(of: cause) { return UInt8(place + 1) }
            let limit =
                if cause.features.isEmpty { CauseLimits.numbersMax } else if cause.isOfSet {
                    CauseLimits.featuresNumbersMax
                } else { CauseLimits.exactMax }
            guard known.count < limit else { return 0 }
            causes[rollout, default: []].append(cause)
            return UInt8(known.count + 1)
        }
    }

    /// The cause with a number that ``number(of:in:)`` gave; nil if it gave none such.
    func cause(_ number: UInt8, in rollout: UInt64) -> GuardCause? {
        causes.withLock { causes in
            guard let known = causes[rollout], number > 0, number <= known.count else { return nil }
            return known[Int(number) - 1]
        }
    }

    /// Forgets all other rollouts.
    func keep(_ isWanted: (UInt64) -> Bool) {
        causes.withLock { $0 = $0.filter { isWanted($0.key) } }
    }
}

extension GuardCause {
    /// One feature of a set, whichever it was.
    init(anyOf set: String, status: UInt8, isTrial: Bool) {
        self.init(
            event: .fallback, isTrial: isTrial,
            features: [Feature(name: set + ".*", status: status)])
    }

    fileprivate var isOfSet: Bool { features.count == 1 && features[0].name.hasSuffix(".*") }
}
