// SPDX-License-Identifier: Apache-2.0

internal import Rollout

/// Rollouts that get little traffic or none, by a clock that runs for weeks.
package enum QuietWorld {
    /// What a rollout came to.
    package enum End: Sendable {
        case advanced, paused
    }

    /// Where a rollout ends whose canary gets `entitiesPerHour` entities, each with `requestsPerEntity` requests.
    package static func end(
        entitiesPerHour: Int, requestsPerEntity: Int, seed: UInt64
    ) throws -> End {
        var draws = Draws(seed: seed)
        let share = 0.05
        let rule = AdvanceRule(
            steps: [
                .init(share: share, dwellMilliseconds: 600_000),
                .init(share: 0.5, dwellMilliseconds: 600_000),
            ], deadlineMilliseconds: 30 * 86_400_000)
        var evidence = try Evidence(seed: seed, share: share, filterBytes: .small)
        var now: UInt64 = 0
        // A few customers come again and again; they stay the same entities.
        let entities = (0..<entitiesPerHour).map { _ in draws.entity() }
        while true {
            for entity in entities {
                for _ in 0..<requestsPerEntity {
                    evidence.observe(
                        request: entity, arm: draws.happens(share) ? .canary : .stable,
                        outcome: [])
                    evidence.observe(pair: entity, decisionsDiffer: false)
                }
            }
            now += UInt64(3_600_000 * (1 + draws.uniform() * 20))
            let decision = rule.decision(
                evidence, step: 0, stepAgeMilliseconds: now, deadlineAgeMilliseconds: now)
            switch decision {
            case .advance, .complete: return .advanced
            case .pause: return .paused
            case .hold: continue
            }
        }
    }

    /// Whether a canary with good traffic does get on: the rule is not just never satisfied.
    package static func healthyEnd(seed: UInt64) throws -> End {
        var draws = Draws(seed: seed)
        let rule = AdvanceRule(
            steps: [
                .init(share: 0.05, dwellMilliseconds: 600_000, entitiesMin: 500),
                .init(share: 0.5, dwellMilliseconds: 600_000, entitiesMin: 500),
            ], deadlineMilliseconds: 86_400_000)
        var evidence = try Evidence(seed: seed, share: 0.05, filterBytes: .small)
        for minute in 0..<1_440 as Range<UInt64> {
            for _ in 0..<1_000 {
                let entity = draws.entity()
                let isCanary = draws.happens(0.05)
                evidence.observe(
                    request: entity, arm: isCanary ? .canary : .stable,
                    outcome: draws.happens(0.001) ? .error : [])
                evidence.observe(pair: entity, decisionsDiffer: draws.happens(0.01))
            }
            let decision = rule.decision(
                evidence, step: 0, stepAgeMilliseconds: minute * 60_000,
                deadlineAgeMilliseconds: minute * 60_000)
            if case .advance = decision { return .advanced }
        }
        return .paused
    }
}
