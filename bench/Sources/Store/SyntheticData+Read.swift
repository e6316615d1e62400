// SPDX-License-Identifier: Apache-2.0

import API

extension SyntheticData {
    /// The read of all features of one entity, or of more, all over the table.
    func read(_ entity: Int, batch: Int = 1) -> KassaV1.ReadRequest {
        let ids = (0..<batch).map { id(of: (entity + $0 * WriteRequests.stride) % entityCount) }
        return KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: ids)],
            selections: [KassaV1.FeatureSelection(featureSet: "bench@1")])
    }

    /// A read that begins with every entity, or with some if they are large.
    func reads(batch: Int = 1) -> RequestTable {
        var table = RequestTable(byteCount: entityCount * 40)
        for entity in 0..<max(1, entityCount / batch) {
            table.add { writer in read(entity, batch: batch).encode(into: &writer) }
        }
        return table
    }
}
