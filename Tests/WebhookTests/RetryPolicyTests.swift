// SPDX-License-Identifier: Apache-2.0

import Base
import Testing
import Webhook

private func verdict(
    _ status: Int, attempts: Int = 1, age: UInt64 = 0, retryAfter: UInt64 = 0,
    policy: RetryPolicy = RetryPolicy()
) -> RetryPolicy.Verdict {
    policy.verdict(
        .answered(status: status, retryAfterSeconds: retryAfter), attempts: attempts,
        ageMilliseconds: age, chance: 0)
}

@Test func `only 2xx delivers, and only what may pass is tried again`() {
    for status in 100..<700 {
        switch status {
        case 200..<300: #expect(verdict(status) == .delivered)
        case 408, 429, 500..<600: #expect(verdict(status) == .retry(afterMilliseconds: 250))
        default: #expect(verdict(status) == .failed)
        }
    }
    let unreachable = RetryPolicy().verdict(
        .unreachable("no route"), attempts: 1, ageMilliseconds: 0, chance: 0)
    #expect(unreachable == .retry(afterMilliseconds: 250))
}

@Test func `rests double up to the longest, and chance moves the upper half`() {
    let policy = RetryPolicy()
    func rest(_ attempts: Int, _ chance: UInt64) -> UInt64? {
        let verdict = policy.verdict(
            .unreachable("no route"), attempts: attempts, ageMilliseconds: 0, chance: chance)
        if case .retry(let milliseconds) = verdict { return milliseconds }
        return nil
    }
    #expect(
        (1...12).map { rest($0, 0) } == [
            250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000,
        ])
    #expect(rest(1, 250) == 500)
    #expect(rest(12, 150_000) == 300_000)
    var random = SeededGenerator(seed: 1)
    let rests = (0..<1_000).compactMap { _ in rest(4, random.next()) }
    #expect(rests.count == 1_000)
    #expect(rests.allSatisfy { (2_000...4_000).contains($0) })
    #expect(Set(rests).count > 500)
}

@Test func `attempts are bounded by count and by age`() {
    let policy = RetryPolicy()
    #expect(verdict(500, attempts: policy.attemptsMax - 1) != .failed)
    #expect(verdict(500, attempts: policy.attemptsMax) == .failed)
    #expect(verdict(500, age: policy.ageMillisecondsMax - 250) != .failed)
    #expect(verdict(500, age: policy.ageMillisecondsMax - 249) == .failed)
    #expect(verdict(500, age: .max) == .failed)
    #expect(verdict(200, attempts: policy.attemptsMax, age: .max) == .delivered)
}

@Test func `a receiver may ask for more time, up to the longest rest`() {
    #expect(verdict(429, retryAfter: 7) == .retry(afterMilliseconds: 7_000))
    #expect(verdict(503, retryAfter: 100_000) == .retry(afterMilliseconds: 300_000))
    #expect(verdict(503, retryAfter: .max) == .retry(afterMilliseconds: 300_000))
    #expect(verdict(404, retryAfter: 7) == .failed)
}

@Test func `only what delivers has no words of failure`() {
    #expect(DeliveryOutcome.answered(status: 204, retryAfterSeconds: 0).failure == nil)
    #expect(
        DeliveryOutcome.answered(status: 302, retryAfterSeconds: 0).failure
            == "it answered with status 302")
    #expect(DeliveryOutcome.unreachable("no route").failure == "no route")
}
