// SPDX-License-Identifier: Apache-2.0

/// Whether an attempt delivered, and when to try again if it did not: a pure value, without clock or chance.
///
/// A status of 200 to 299 is success. 408, 429, every 5xx and no answer at all are tried again; any other
/// status, a redirect included, is final. The rest between attempts doubles, and half of it is left to chance,
/// so that many servers do not come back at the same moment.
package struct RetryPolicy: Hashable, Sendable {
    /// What to do now.
    package enum Verdict: Hashable, Sendable {
        /// It arrived.
        case delivered
        /// Try again after so long.
        case retry(afterMilliseconds: UInt64)
        /// It never will, or it took too long.
        case failed
    }

    /// Attempts at most.
    package var attemptsMax = 20
    /// The age of an event from which on it is not tried again.
    package var ageMillisecondsMax: UInt64 = 3_600_000
    /// The rest after the first attempt.
    package var firstRestMilliseconds: UInt64 = 500
    /// The longest rest.
    package var restMillisecondsMax: UInt64 = 300_000

    /// Half a second, doubling up to five minutes, for up to an hour.
    package init() {}

    /// What to do after `attempts` attempts, the last with `outcome`.
    ///
    /// - Parameters:
    ///   - attempts: how many were made, this one included.
    ///   - ageMilliseconds: since the event was queued.
    ///   - chance: any 64 bits; the same bits give the same rest.
    package func verdict(
        _ outcome: DeliveryOutcome, attempts: Int, ageMilliseconds: UInt64, chance: UInt64
    ) -> Verdict {
        var least: UInt64 = 0
        switch outcome {
        case .answered(status: 200..<300, _): return .delivered
        case .answered(let status, let retryAfterSeconds):
            guard status == 408 || status == 429 || (500..<600).contains(status) else {
                return .failed
            }
            least =
                retryAfterSeconds.multipliedReportingOverflow(by: 1_000).overflow
                ? restMillisecondsMax : min(retryAfterSeconds * 1_000, restMillisecondsMax)
        case .unreachable: break
        }
        guard attempts < attemptsMax else { return .failed }
        let rest = max(least, rest(afterAttempts: attempts, chance: chance))
        let (age, overflow) = ageMilliseconds.addingReportingOverflow(rest)
        guard !overflow, age <= ageMillisecondsMax else { return .failed }
        return .retry(afterMilliseconds: rest)
    }

    /// The doubled rest, of which the upper half is left to chance.
    private func rest(afterAttempts attempts: Int, chance: UInt64) -> UInt64 {
        var rest = min(firstRestMilliseconds, restMillisecondsMax)
        for _ in 1..<max(attempts, 1) where rest < restMillisecondsMax {
            rest = rest > restMillisecondsMax / 2 ? restMillisecondsMax : rest * 2
        }
        return rest - rest / 2 + (chance % (rest / 2 + 1))
    }
}
