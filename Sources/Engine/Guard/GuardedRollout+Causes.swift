// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// Which features, errors and times are behind what was weighed.
extension GuardedRollout {
    /// How many entities had something, on both arms.
    struct BadEntities {
        var errors = ArmCounts()
        var sloMisses = ArmCounts()
        var fallbacks = ArmCounts()
    }

    /// What to compare with once an event was weighed; nil if nothing was the matter with it.
    func badEntities(before event: GuardEvent) -> BadEntities? {
        event.trial.isEmpty && event.reference.isEmpty ? nil : badEntities
    }

    /// Counts the causes of an event where it was the entity's first of its kind, as the evidence has it.
    func countCauses(of event: GuardEvent, since before: BadEntities?) {
        guard let before else { return }
        let after = badEntities
        func count(_ kind: BadEvent, _ before: ArmCounts, _ after: ArmCounts) {
            for arm in [Arm.canary, .stable] where after[arm] != before[arm] {
                let isTrial = arm == .canary
                if kind == .sloMiss {
                    causes.count(microseconds: UInt64(event.slowMicroseconds), ofTrial: isTrial)
                } else {
                    let number = isTrial ? event.trialCause : event.referenceCause
                    causes.count(number, of: kind) { causeBook.cause(number, in: id) }
                }
            }
        }
        count(.error, before.errors, after.errors)
        count(.sloMiss, before.sloMisses, after.sloMisses)
        count(.fallback, before.fallbacks, after.fallbacks)
    }

    private var badEntities: BadEntities {
        var sum = BadEntities()
        for share in evidence.counts.shares {
            for arm in [Arm.canary, .stable] {
                sum.errors[arm] &+= share.errors[arm]
                sum.sloMisses[arm] &+= share.sloMisses[arm]
                sum.fallbacks[arm] &+= share.fallbacks[arm]
            }
        }
        return sum
    }
}
