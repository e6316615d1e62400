// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// Which features, errors and times are behind what was weighed.
extension GuardedRollout {
    /// Counts the causes of what one model did wrong in the event that was just weighed, where it was the
    /// entity's first of its kind.
    func countCauses(of event: GuardEvent, _ outcome: RequestOutcome, ofTrial isTrial: Bool) {
        let counted = outcome.intersection(evidence.counted)
        guard !counted.isEmpty else { return }
        if counted.contains(.sloMiss) {
            causes.count(microseconds: UInt64(event.slowMicroseconds), ofTrial: isTrial)
        }
        let number = isTrial ? event.trialCause : event.referenceCause
        if counted.contains(.error) {
            causes.count(number, of: .error) { causeBook.cause(number, in: id) }
        }
        if counted.contains(.fallback) {
            causes.count(number, of: .fallback) { causeBook.cause(number, in: id) }
        }
    }
}
