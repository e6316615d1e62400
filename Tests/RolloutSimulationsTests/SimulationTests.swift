// SPDX-License-Identifier: Apache-2.0

import Rollout
import RolloutSimulations
import Testing

struct `A proportion` {
    @Test func `has the bounds of the textbook`() {
        // Clopper and Pearson: none of 1,000 leaves 0.2991 % at 95 %, one sided.
        #expect(abs(Proportion(count: 0, runs: 1_000).upperBound - 0.002_991) < 1e-5)
        #expect(abs(Proportion(count: 3, runs: 10).chance(ifProbability: 0.3) - 0.6172) < 1e-4)
    }
}
