// SPDX-License-Identifier: Apache-2.0

package import API
internal import Crypto
internal import Wire

/// Counts what an erasure deletes, and makes its tombstone and its receipt.
///
/// ```swift
/// var tally = EraseTally(catalog)
/// for each row found by EraseScan: tally.note(key, row); delete it
/// for each row of the history: tally.noteHistory(key); delete it
/// let response = tally.response(to: request, now: now)
/// tombstones.put(old.merged(with: tally.tombstone(response, sequence: sequence)).encoded)
/// ```
package struct EraseTally: Sendable {
    private let names: [UInt32: String]
    private var rows: [UInt32: UInt64] = [:]
    private var historyRows: [UInt32: UInt64] = [:]
    private var latest = Int64.min

    /// A tally of nothing yet.
    package init(_ catalog: FeatureCatalog) {
        var names: [UInt32: String] = [:]
        for set in catalog.sets.values { names[set.id] = set.name }
        self.names = names
    }

    /// Counts a row that is deleted, whether it can be read or not.
    package mutating func note(_ key: Span<UInt8>, _ row: Span<UInt8>) {
        guard let view = RowKeyView(key) else { return }
        rows[view.setID, default: 0] += 1
        guard (try? RowView.verify(row)) != nil else { return }
        latest = max(latest, row.load(at: 16, as: Int64.self))
    }

    /// Counts a row of the history that is deleted.
    package mutating func noteHistory(_ key: Span<UInt8>) {
        guard let rowKey = HistoryKey.rowKey(of: key), let view = RowKeyView(rowKey) else { return }
        historyRows[view.setID, default: 0] += 1
    }

    /// The answer, with the receipt's id.
    ///
    /// What is erased reaches to now, or to the newest value that was deleted: the clocks of writers run
    /// ahead, and nothing that was there may come back.
    package func response(
        to request: KassaV1.EraseRequest, now: Int64
    ) -> KassaV1.EraseResponse {
        let ids = Set(rows.keys).union(historyRows.keys)
        let erased = ids.map { id in
            KassaV1.ErasedRows(
                featureSet: names[id] ?? "number \(id)", rows: rows[id] ?? 0,
                historyRows: historyRows[id] ?? 0)
        }
        var response = KassaV1.EraseResponse(
            erased: erased.sorted { $0.featureSet < $1.featureSet },
            erasedUntilUs: max(now, latest))
        response.receiptId = Self.receipt(request, response)
        return response
    }

    /// The tombstone to keep, once merged with one that is there.
    package func tombstone(_ response: KassaV1.EraseResponse, sequence: UInt64) -> Tombstone {
        Tombstone(
            erasedUntil: response.erasedUntilUs, sequence: sequence, receipt: response.receiptId)
    }

    /// SHA-256 of the request's bytes and the response's without receipt, each behind its length (UInt32,
    /// big-endian).
    package static func receipt(
        _ request: KassaV1.EraseRequest, _ response: KassaV1.EraseResponse
    ) -> [UInt8] {
        var bare = response
        bare.receiptId = []
        var hasher = SHA256()
        for bytes in [request.encodedBytes(), bare.encodedBytes()] {
            let count = UInt32(clamping: bytes.count)
            let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
            hasher.update(length.span)
            hasher.update(bytes.span)
        }
        return hasher.finish()
    }
}
