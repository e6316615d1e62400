// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Wire

/// What the Score bench puts into a server and then asks about.
protocol ScoreData {
    var entityCount: Int { get }
    /// Gives a fresh server the feature sets, the model and the scorer.
    mutating func configure(_ server: ServerAccess) throws
    /// Writes the rows of all entities.
    func load(_ client: ControlClient) throws
    /// Throws if the server's scores are not what they should be.
    ///
    /// A server that answers fast and wrong must not get a number.
    func verify(_ client: ControlClient) throws
    func request(_ entity: Int) -> KassaV1.ScoreRequest
}

/// How to reach a server: by our own client, and by the command line.
struct ServerAccess {
    let client: ControlClient
    let port: UInt16
    /// The program `kassa`.
    let program: String
}

/// The method that is measured.
let scorePath = "/kassa.v1.Scoring/Score"

extension ScoreData {
    /// A request for every entity.
    func requests(isRecorded: Bool = false) -> RequestTable {
        var table = RequestTable(byteCount: entityCount * 64)
        for entity in 0..<entityCount {
            table.add { writer in
                var request = request(entity)
                request.record = isRecorded
                request.encode(into: &writer)
            }
        }
        return table
    }

    /// One request with its gRPC prefix, as h2load sends it.
    var framedRequest: [UInt8] {
        var writer = WireWriter()
        writer.prefixed(request(entityCount / 2))
        return writer.bytes.indices.map { writer.bytes[$0] }
    }

    /// Some of the entities, spread over all.
    func sample(_ count: Int) -> [Int] {
        let count = min(count, entityCount)
        return (0..<count).map { $0 * entityCount / count }
    }

    func score(_ entity: Int, _ client: ControlClient) throws -> KassaV1.ScoreResponse {
        try client.call(scorePath, [request(entity)])
    }

    /// Writes one batch of rows and sees that all of it was applied.
    func write(
        _ featureSet: String, _ keys: [KassaV1.KeyColumn], _ columns: [KassaV1.Column],
        _ client: ControlClient
    ) throws {
        let request = KassaV1.WriteRequest(featureSet: featureSet, keys: keys, columns: columns)
        let reply: KassaV1.WriteResponse = try client.call(
            "/kassa.v1.Features/Write", [request])
        let rows = keys.first?.ids.count ?? 0
        guard reply.errors.isEmpty, Int(reply.applied) == rows else {
            throw BenchError("\(reply.applied) of \(rows) rows were applied")
        }
    }

    /// The entities in batches as large as one write may be.
    var batches: [Range<Int>] {
        stride(from: 0, to: entityCount, by: 10_000).map { $0..<min($0 + 10_000, entityCount) }
    }
}
