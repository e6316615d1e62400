// SPDX-License-Identifier: Apache-2.0

/// Reads a file of rows batch by batch, in constant memory.
package struct BatchReader: ~Copyable {
    /// Bytes of the file when it was opened.
    package let byteCount: Int
    /// Which file it is, and in what state; see ``InputFile/identity``.
    package let identity: String
    /// The columns of the file that nothing is taken from.
    package let ignoredColumns: [String]
    let file: InputFile
    var reader: RowReader
    var builder: BatchBuilder
    let schema: LoadSchema
    /// The records by key, and the bytes of those that were given, if they are given so.
    var sorted: SortedRecords
    package internal(set) var isSorted = false
    var givenByteCount = 0

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
        self.schema = schema
        sorted = SortedRecords(spillPath: "", byteCountMax: 0)
    }

    /// Goes on behind what an earlier reader of the same file had read.
    package mutating func skip(to offset: Int, line: Int) {
        reader.skip(to: offset, line: line)
    }

    /// The next batch; nil at the end of the file.
    package mutating func next() throws(LoadError) -> Batch? {
        if isSorted { return try nextSorted() }
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
