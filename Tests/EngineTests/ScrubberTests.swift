// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Engine

struct ScrubberTests {
    @Test func `a look takes its period, and a small store is looked through sooner`() {
        let least = EngineLimits.scrubBytesPerSecondMin
        #expect(Scrubber.rate(of: 0, periodSeconds: 86_400) == least)
        #expect(Scrubber.rate(of: least * 86_400, periodSeconds: 86_400) == least)
        #expect(Scrubber.rate(of: (least + 1) * 86_400, periodSeconds: 86_400) == least + 1)
        #expect(Scrubber.rate(of: .max, periodSeconds: 0) == .max)
    }
}
