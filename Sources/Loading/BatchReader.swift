// SPDX-License-Identifier: Apache-2.0

/// Reads a file of rows batch by batch, in constant memory.
package struct BatchReader: ~Copyable {
    /// Bytes of the file when it was opened.
    package let byteCount: Int
    /// Which file it is, and in what state; see ``InputFile/identity``.
    package let identity: String
    /// The columns of the file that nothing is taken from.
    package let ignoredColumns: [String]
    private let file: InputFile
    private var reader: RowReader
    private var builder: BatchBuilder

    /// Opens `path` and, if it is CSV, reads its header.
    package init(
        _ path: String, format: LoadFormat, _ schema: LoadSchema
    ) throws(LoadError) {
        let opened = try InputFile(path)
        var rows = RowReader(format, names: schema.names, delimiter: schema.options.delimiter)
        var features = schema.features
        var ignored: [String] = []
        if format == .csv {
            repeat { try rows.feed(from: opened) } while try !rows.readHeader()
            features = try schema.features(inHeader: rows.columnNames)
            ignored = rows.columnNames.filter { !schema.names.contains($0) }
        }
        byteCount = opened.byteCount
        identity = opened.identity
        ignoredColumns = ignored
        builder = BatchBuilder(schema, features: features)
        file = opened
        reader = rows
    }

    /// Goes on behind what an earlier reader of the same file had read.
    package mutating func skip(to offset: Int, line: Int) {
        reader.skip(to: offset, line: line)
    }

    /// The next batch; nil at the end of the file.
    package mutating func next() throws(LoadError) -> Batch? {
        while !builder.isFull {
            switch try reader.next() {
            case .row: builder.append(reader)
            case .malformed(let reason): builder.reject(reader, reason: reason)
            case .needsMore: try reader.feed(from: file)
            case .end:
                guard !builder.isEmpty else { return nil }
                return builder.finish(reader)
            }
        }
        return builder.finish(reader)
    }
}
