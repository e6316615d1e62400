// SPDX-License-Identifier: Apache-2.0

import API

extension SyntheticData {
    /// The read of all features of one entity.
    func read(_ entity: Int) -> KassaV1.ReadRequest {
        KassaV1.ReadRequest(
            keys: [KassaV1.KeyColumn(kind: "session", ids: [id(of: entity)])],
            selections: [KassaV1.FeatureSelection(featureSet: "bench@1")])
    }

    /// A read of every entity.
    func reads() -> RequestTable {
        var table = RequestTable(byteCount: entityCount * 40)
        for entity in 0..<entityCount {
            table.add { writer in read(entity).encode(into: &writer) }
        }
        return table
    }
}
