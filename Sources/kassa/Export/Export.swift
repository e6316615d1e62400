// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Glibc

/// Joins the rows of a label file to features as they were at each row's time, and counts what it does.
///
/// One batch of rows is in memory at a time. Rows come out in the order of the label file, each once.
struct Export {
    let source: ExportSource
    let withStatuses: Bool
    /// Rows that were read from the label file, and rows that were written.
    private(set) var labelCount = 0
    private(set) var rowCount = 0
    /// Values by status, in the order of the API's numbers.
    private(set) var statusCounts = [Int](repeating: 0, count: 9)

    init(_ source: ExportSource, withStatuses: Bool) {
        self.source = source
        self.withStatuses = withStatuses
    }

    /// Runs to the end of the label file; `progress` is told of the rows written after each batch.
    mutating func run(
        _ labels: inout LabelFile, from client: Client, into output: inout OutputFile,
        progress: (Int) -> Void
    ) throws(CommandError) {
        try output.append(
            (labels.header.map { CSVText.field($0) }
                + source.titles(withStatuses: withStatuses).map { CSVText.field($0) })
                .joined(separator: ","))
        var rows: [LabelRow] = []
        while let fields = try labels.next() {
            labelCount += 1
            rows.append(try row(fields, of: labels))
            if rows.count == source.batchRowCount {
                try join(&rows, path: labels.path, from: client, into: &output)
                progress(rowCount)
            }
        }
        if !rows.isEmpty { try join(&rows, path: labels.path, from: client, into: &output) }
        guard rowCount == labelCount else {
            throw .failed("\(labelCount) label rows, but \(rowCount) rows written")
        }
    }

    private func row(
        _ fields: [String], of labels: borrowing LabelFile
    ) throws(CommandError) -> LabelRow {
        let place = source.timePlace
        guard let time = TimeText.microseconds(fields[place]) else {
            throw .failed(
                "\(labels.path):\(labels.line): \(labels.header[place]) is not \(TimeText.form)")
        }
        return LabelRow(fields: fields, time: time, line: labels.line)
    }

    private mutating func join(
        _ rows: inout [LabelRow], path: String, from client: Client, into output: inout OutputFile
    ) throws(CommandError) {
        let response: KassaV1.ReadResponse
        do throws(ClientError) {
            response = try client.call(KassaV1.FeaturesService.read, source.request(for: rows))
        } catch {
            if case .status(let status, let message) = error {
                throw .failed("\(status.name): \(Self.naming(rows, of: path, in: message))")
            }
            return try asking { () throws(ClientError) in throw error }
        }
        guard source.fits(response, rowCount: rows.count) else {
            throw .failed("the server has answered with other features than it was asked for")
        }
        for (index, row) in rows.enumerated() {
            try output.append(line(row, index, response))
            rowCount += 1
        }
        rows.removeAll(keepingCapacity: true)
    }

    private mutating func line(
        _ row: LabelRow, _ index: Int, _ response: KassaV1.ReadResponse
    ) -> String {
        var line = row.fields.map { CSVText.field($0) }.joined(separator: ",")
        for (set, columns) in zip(response.featureSets, source.columns) {
            for (read, column) in zip(set.columns, columns) {
                let code = Int(read.statuses[index])
                if code < statusCounts.count { statusCounts[code] += 1 }
                line += ",\(column.cells(read, row: index))"
                if withStatuses { line += ",\(KassaV1.Status(rawValue: Int32(code)).name)" }
            }
        }
        return line
    }

    /// A refusal that names the row of a batch, "as_of_us_each[7]: …", names the line of the file instead.
    static func naming(_ rows: [LabelRow], of path: String, in message: String) -> String {
        guard let open = message.firstIndex(of: "["),
            let close = message[open...].lastIndex(of: "]")
        else { return message }
        let inside = message[message.index(after: open)..<close]
        // "keys[session].ids[7]" has two.
        let digits = inside.split(separator: "[").last ?? inside
        guard let index = Int(digits), rows.indices.contains(index) else { return message }
        let rest = message[message.index(after: close)...].drop { $0 == ":" || $0 == " " }
        return "\(path):\(rows[index].line): \(message[..<open]): \(rest)"
    }
}
