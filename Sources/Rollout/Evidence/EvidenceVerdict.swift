// SPDX-License-Identifier: Apache-2.0

/// What the evidence so far asks for.
package enum EvidenceVerdict: Equatable, Sendable {
    /// Nothing speaks against the canary.
    case within
    /// Something may: the canary's share must not be raised.
    case freeze
    /// Entities are not split as the share says, so no comparison can be trusted: pause and find out why.
    /// It stays, or ends in a rollback: with the cause removed, begin a new rollout.
    case pause
    /// The canary goes, now. Final: later observations change nothing.
    case rollback(RollbackCause)
}

/// Why a canary goes.
package enum RollbackCause: Equatable, Sendable {
    /// The merged evidence reached 1/alpha.
    case evidence
    /// The canary broke its contract, which needs no statistics.
    case violation(ContractViolation)
}

/// What a model must never do, not once.
package enum ContractViolation: UInt8, CaseIterable, Sendable {
    /// A score that is not a finite number.
    case nonFiniteScore = 1
    /// A score outside the declared range.
    case scoreOutOfRange = 2
    /// The feature set is not the one the model was made for.
    case schemaMismatch = 3
    /// A golden row is not reproduced.
    case goldenRowFailed = 4
}
