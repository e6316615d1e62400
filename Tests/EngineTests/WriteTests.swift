// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Store
import Testing
import Wire

@testable import Engine

struct `Writing` {
    @Test func `a write whose rows are all refused is answered at once and commits nothing`() throws
    {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            try worker.write(items: 1, session: "s")
            let groups = engine.writer.statistics.groups
            let request = KassaV1.WriteRequest(
                featureSet: "cart@1",
                keys: [
                    KassaV1.KeyColumn(
                        kind: "session", ids: ["", String(repeating: "x", count: 300)])
                ],
                columns: [
                    KassaV1.Column(
                        name: "items", values: .integers(KassaV1.IntegerValues(values: [1, 2])))
                ],
                durability: .durable, sequence: 9)
            let bytes = request.encodedBytes()
            worker.begin()
            let answer = Acknowledgement()
            try worker.write(bytes.span, at: .now()) { answer.set($0) }
            // On this thread, before the call returned.
            let result = try #require(answer.value)
            let response = try result.get()
            #expect(response.sequence == 9)
            #expect(response.applied == 0)
            #expect(response.errors.map(\.row) == [0, 1])
            #expect(engine.writer.statistics.groups == groups)
        }
    }
}
