// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// Which of a scorer's slots answers whom, compiled for one configuration.
struct Split: Sendable {
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

    /// Whether STABLE may not be what answers.
    @inline(__always)
    var isOpen: Bool { canary >= 0 || previous >= 0 }
}
