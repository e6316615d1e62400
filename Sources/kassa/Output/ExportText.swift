// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents
internal import Wire

/// What an export came to.
struct ExportText {
    private let labelCount: Int
    private let rowCount: Int
    private let statusCounts: [Int]
    private let out: String?

    init(_ export: Export, out: String?) {
        self.init(
            labelCount: export.labelCount, rowCount: export.rowCount,
            statusCounts: export.statusCounts, out: out)
    }

    init(labelCount: Int, rowCount: Int, statusCounts: [Int], out: String?) {
        self.labelCount = labelCount
        self.rowCount = rowCount
        self.statusCounts = statusCounts
        self.out = out
    }

    private var statuses: [(name: String, count: Int)] {
        statusCounts.indices.filter { statusCounts[$0] > 0 }.map {
            (KassaV1.Status(rawValue: Int32($0)).name, statusCounts[$0])
        }
    }

    /// The counts; for standard error, as the rows may go to standard output.
    var lines: [String] {
        let place = out.map { " to \($0)" } ?? ""
        return [
            "joined \(counted(labelCount, "label row")), wrote \(counted(rowCount, "row"))\(place)",
            "values: " + statuses.map { "\($0.count) \($0.name)" }.joined(separator: ", "),
        ]
    }

    var tree: Tree {
        .map([
            .init("label_rows", .integer(Int64(labelCount))),
            .init("rows", .integer(Int64(rowCount))),
            .init("values", .map(statuses.map { .init($0.name, .integer(Int64($0.count))) })),
        ])
    }
}
