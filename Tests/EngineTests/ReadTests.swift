// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Testing
import Wire

struct `Reading` {
    @Test func `as many feature sets are read at once as the limit says, and no more`() throws {
        try TemporaryFolder().withEngine { engine, worker in
            try engine.apply([cart])
            let most = try worker.read(selections: ReadLimits.selectionsMax)
            #expect(most.featureSets.count == ReadLimits.selectionsMax)
            let error = #expect(throws: EngineError.self) {
                try worker.read(selections: ReadLimits.selectionsMax + 1)
            }
            #expect(error?.kind == .invalidArgument)
            #expect(error?.reason.contains("selections") == true)
        }
    }
}

extension Worker {
    /// Reads one session's cart that many times in one request.
    fileprivate mutating func read(selections: Int) throws -> KassaV1.ReadResponse {
        let request = KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: ["s"])],
            selections: (0..<selections).map { _ in KassaV1.FeatureSelection(featureSet: "cart") })
        let bytes = request.encodedBytes()
        begin()
        defer { end() }
        var writer = WireWriter()
        try read(bytes.span, at: .now(), into: &writer)
        return try KassaV1.ReadResponse(decoding: writer.bytes)
    }
}
