// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Crypto
internal import Documents

/// What an erasure deleted, as proof of it.
struct ReceiptText {
    /// "customer=c-7".
    let entity: String
    let response: KassaV1.EraseResponse

    private func total(_ count: (KassaV1.ErasedRows) -> UInt64) -> UInt64 {
        response.erased.reduce(0) { $0 &+ count($1) }
    }

    /// What was deleted in all, a line per feature set, until when, and the receipt's id.
    var lines: [String] {
        let rows = total(\.rows)
        let historyRows = total(\.historyRows)
        var lines = [
            "erased \(ValueText.printable(entity)): \(counted(Int(clamping: rows), "row"))"
                + ", \(counted(Int(clamping: historyRows), "row")) of history"
        ]
        if !response.erased.isEmpty {
            var table = Table(["FEATURE SET", "ROWS", "HISTORY"], rightAligned: [1, 2], indent: 2)
            for set in response.erased {
                table.add([set.featureSet, "\(set.rows)", "\(set.historyRows)"])
            }
            lines += table.lines
        }
        lines.append("until    \(TimeText.text(microseconds: response.erasedUntilUs))")
        lines.append("receipt  \(hexadecimal(response.receiptId))")
        return lines
    }

    var tree: Tree {
        let sets = response.erased.map { set -> Tree in
            .map([
                .init("feature_set", .text(set.featureSet)), .init("rows", .unsigned(set.rows)),
                .init("history_rows", .unsigned(set.historyRows)),
            ])
        }
        return .map([
            .init("entity", .text(entity)), .init("rows", .unsigned(total(\.rows))),
            .init("history_rows", .unsigned(total(\.historyRows))),
            .init("erased", .list(sets)),
            .init("erased_until_us", .integer(response.erasedUntilUs)),
            .init("receipt_id", .text(hexadecimal(response.receiptId))),
        ])
    }
}
