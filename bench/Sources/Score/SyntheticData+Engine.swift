// SPDX-License-Identifier: Apache-2.0

import API
import Base
import Engine
import Wire

extension SyntheticData {
    /// Gives an engine in this process the model and the rows of all entities.
    func fill(_ engine: Engine, _ worker: inout Worker) throws {
        func apply(_ resource: KassaV1.Document.Resource) throws {
            _ = try engine.apply(
                KassaV1.ApplyRequest(documents: [KassaV1.Document(resource: resource)]),
                at: .now())
        }
        try apply(.featureSet(featureSet))
        let (spec, artefact) = bundle()
        _ = try engine.upload(spec, artefact: artefact, at: .now())
        try apply(.scorer(scorer))
        let written = Acknowledgement()
        for entities in batches {
            let request = KassaV1.WriteRequest(
                featureSet: "bench@1",
                keys: [KassaV1.KeyColumn(kind: "session", ids: entities.map(id))],
                columns: (0..<Self.featureCount).map { feature in
                    let values = entities.map { value($0, feature) }
                    return KassaV1.Column(
                        name: name(ofFeature: feature),
                        values: .floats(KassaV1.FloatValues(values: values)))
                })
            let bytes = request.encodedBytes()
            worker.begin()
            try worker.write(bytes.span, at: .now()) { _ in written.signal() }
            written.wait()
        }
    }
}

/// Somebody waits for a write.
private final class Acknowledgement: Sendable {
    private let semaphore = Semaphore()

    func signal() { semaphore.signal() }
    func wait() { semaphore.wait() }
}
