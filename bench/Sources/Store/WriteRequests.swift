// SPDX-License-Identifier: Apache-2.0

import API
import Base

/// Writes of random rows of the bench's feature set.
struct WriteRequests {
    /// Rows of all requests together, so that much of the table is touched.
    static let rowsMin = 200_000
    static let requestsMin = 16
    /// Prime, and larger than any number of entities: its multiples visit all of them in disorder.
    static let stride = 15_485_863

    let data: SyntheticData
    let batch: Int
    let durability: KassaV1.Durability

    func table() -> RequestTable {
        let count = max(Self.requestsMin, Self.rowsMin / batch)
        var table = RequestTable(byteCount: count * batch * 180)
        for index in 0..<count {
            table.add { writer in request(index).encode(into: &writer) }
        }
        return table
    }

    private func request(_ index: Int) -> KassaV1.WriteRequest {
        // A batch has at most as many rows as there are entities, so that none comes twice.
        let entities = (0..<batch).map { (index * batch + $0) * Self.stride % data.entityCount }
        return KassaV1.WriteRequest(
            featureSet: "bench@1",
            keys: [KassaV1.KeyColumn(kind: "session", ids: entities.map(data.id))],
            columns: (0..<SyntheticData.featureCount).map { feature in
                KassaV1.Column(
                    name: data.name(ofFeature: feature),
                    values: .floats(
                        KassaV1.FloatValues(values: entities.map { data.value($0, feature) })))
            },
            durability: durability)
    }

    /// Connections and calls in flight on each: enough for the writer to always find more.
    var shape: (connections: Int, streams: Int) {
        switch batch {
        case 1: (4, 16)
        case ..<1_000: (2, 8)
        default: (2, 2)
        }
    }

    /// Writes of a stream that may be unanswered, of four streams: about a hundred thousand rows at most.
    var window: Int {
        switch batch {
        case 1: 256
        case ..<1_000: 32
        case ..<10_000: 4
        default: 1
        }
    }
}
