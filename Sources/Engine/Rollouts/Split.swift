// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// Which of a scorer's slots answers whom, compiled for one configuration.
///
/// Part of a configuration, and the same for all loops.
final class Split: Sendable {
    /// The places of the slots among the configuration's models; -1 where one is empty.
    let canary: Int
    let shadow: Int
    let previous: Int
    let weight: Weight
    let hash: EntityHash
    let brake: Brake
    /// The entity kind whose id is the routing key of a request that brings none.
    let kind: [UInt8]
    /// What its guard wants to know of requests.
    let watch: Watch

    init(
        canary: Int, shadow: Int, previous: Int, weight: Weight, hash: EntityHash, brake: Brake,
        kind: [UInt8], watch: Watch
    ) {
        self.canary = canary
        self.shadow = shadow
        self.previous = previous
        self.weight = weight
        self.hash = hash
        self.brake = brake
        self.kind = kind
        self.watch = watch
    }

    /// Whether STABLE may not be what answers.
    @inline(__always)
    var isOpen: Bool { canary >= 0 || previous >= 0 }
}
