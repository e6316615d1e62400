// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Rollout

// The long versions of the simulations that RolloutSimulationsTests runs shortly:
// `RolloutSimulations soak` (or `speed`, or `observe` for whoever counts allocations); KASSA_SIMULATIONS sets the number of rollouts, 20,000 by default.

let words = CommandLine.arguments.dropFirst()
do {
    switch words.first {
    case "speed": try Speed.run()
    case "observe": try Speed.observe(count: words.dropFirst().first.flatMap { Int($0) } ?? 1_000)
    case "soak", nil:
        let rollouts = environmentNumber("KASSA_SIMULATIONS") ?? 20_000
        var soak = Soak(rollouts: rollouts)
        let failures = try soak.run()
        exit(failures == 0 ? 0 : 1)
    default:
        print("usage: RolloutSimulations [soak | speed | observe COUNT]")
        exit(2)
    }
} catch {
    print("RolloutSimulations: \(error)")
    exit(1)
}

private func environmentNumber(_ name: String) -> Int? {
    // Safe: the string is copied before anything can change the environment.
    guard let text = unsafe getenv(name) else { return nil }
    return unsafe Int(String(cString: text))
}
