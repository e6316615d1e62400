// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc
internal import Rollout

/// All simulations at full length, with what each must show.
struct Soak {
    let rollouts: Int

    /// Runs them, prints a line each, and returns how many did not show it.
    func run() throws -> Int {
        var failures = 0
        failures += try falseRollbacks()
        failures += try delays()
        return failures
    }

    private func falseRollbacks() throws -> Int {
        var failures = 0
        print("False rollbacks at the boundary of the tolerances; alpha is 0.1 %")
        for (name, world) in Scenarios.boundary {
            let seconds = MonotonicTime.now()
            let found = try world.falseRollbacks(rollouts: rollouts, seed: 1)
            let elapsed = MonotonicTime.now().nanoseconds(since: seconds) / 1_000_000_000
            // Fails if so many would come by chance once in a thousand, were it alpha.
            let isWrong = found.chance(ifProbability: world.rule.alpha) < 0.001
            failures += isWrong ? 1 : 0
            say("  \(name): \(found)\(isWrong ? "  TOO MANY" : "")  [\(elapsed) s]")
        }
        return failures
    }

    private func delays() throws -> Int {
        var failures = 0
        print("Median delay until rollback, against the table of the design")
        for expected in Scenarios.delays {
            let runs = min(rollouts, expected.rolloutsMax)
            let median = try expected.canary.medianDelay(rollouts: runs, seed: 1)
            let ratio = median / expected.table
            let isWrong = abs(ratio - 1) > 0.2
            failures += isWrong ? 1 : 0
            let text = (ratio * 1_000).rounded() / 1_000
            say(
                "  \(expected.name): \(Int(median)), table \(Int(expected.table)), ratio \(text)"
                    + (isWrong ? "  OFF" : ""))
        }
        return failures
    }

    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
