// SPDX-License-Identifier: Apache-2.0

internal import Rollout
internal import Synchronization

/// Takes a rollout's traffic away at once, before the change of slots is compiled, published or stored.
///
/// One per rollout, shared by every configuration that has it. Whoever decides on a retreat (a guard on
/// any thread, an operator's call on its loop) stores one flag; the next request on every loop sees it.
/// The change itself follows on the control thread, which then puts a new brake in the place of this.
final class Brake: Sendable {
    /// Who pulled it, for what; several may have.
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8

        /// An operator: STABLE answers everybody.
        static let abort = Flags(rawValue: 1)
        /// An operator: PREVIOUS answers everybody.
        static let undo = Flags(rawValue: 2)
        /// A guard: STABLE answers everybody, or PREVIOUS behind a promotion.
        static let rollBack = Flags(rawValue: 4)
    }

    private let raw = Atomic<UInt8>(0)
    private let violationRaw = Atomic<UInt8>(0)
    private let violatingEntity = Atomic<UInt64>(0)
    private let pulledAt = Atomic<UInt64>(0)

    /// What was pulled so far.
    var flags: Flags { Flags(rawValue: raw.load(ordering: .relaxed)) }

    /// Adds `flags`; says whether one of them is new.
    @discardableResult
    func pull(_ flags: Flags) -> Bool {
        let before = raw.bitwiseOr(flags.rawValue, ordering: .acquiringAndReleasing).oldValue
        return before & flags.rawValue != flags.rawValue
    }

    /// Pulls it for a guard; what happened, and at whose request, is known before anybody sees the flag.
    func rollBack(
        for violation: ContractViolation?, of entity: UInt64 = 0, at nanoseconds: UInt64
    ) {
        // The first reason stays.
        if let violation {
            _ = violatingEntity.compareExchange(
                expected: 0, desired: entity, ordering: .acquiringAndReleasing)
            _ = violationRaw.compareExchange(
                expected: 0, desired: violation.rawValue, ordering: .acquiringAndReleasing)
        }
        _ = pulledAt.compareExchange(
            expected: 0, desired: nanoseconds, ordering: .acquiringAndReleasing)
        pull(.rollBack)
    }

    /// The breach of the contract that a loop has pulled it for; nil without one.
    var violation: ContractViolation? {
        ContractViolation(rawValue: violationRaw.load(ordering: .acquiring))
    }

    /// The entity at whose request that happened; 0 if it is not known.
    var entity: UInt64 { violatingEntity.load(ordering: .acquiring) }

    /// When a guard pulled it, by the monotonic clock; 0 if none did.
    var pulledAtNanoseconds: UInt64 { pulledAt.load(ordering: .acquiring) }

    /// Takes `flags` back: what they announced was refused after all.
    func release(_ flags: Flags) {
        raw.bitwiseAnd(~flags.rawValue, ordering: .acquiringAndReleasing)
    }
}
