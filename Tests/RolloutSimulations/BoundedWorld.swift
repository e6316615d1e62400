// SPDX-License-Identifier: Apache-2.0

/// A world in which a rollback is always false: its canaries are within their tolerances.
package protocol BoundedWorld: Sendable {
    /// Whether one rollout of that seed is rolled back.
    func isRolledBack(seed: UInt64) throws -> Bool
}

extension BoundedWorld {
    /// How many of so many rollouts are rolled back; each has a seed of its own.
    package func falseRollbacks(rollouts: Int, seed: UInt64) throws -> Proportion {
        var count = 0
        for rollout in 0..<rollouts where try isRolledBack(seed: seed &+ UInt64(rollout)) {
            count += 1
        }
        return Proportion(count: count, runs: rollouts)
    }
}
