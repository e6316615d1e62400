// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Loading

/// A file of comma-separated labels (RFC 4180, UTF-8), read record by record in constant memory.
///
/// ```swift
/// var labels = try LabelFile("labels.csv")
/// while let fields = try labels.next() { use(fields, labels.line) }
/// ```
struct LabelFile: ~Copyable {
    let path: String
    private var reader: RowReader
    private let source: Source

    /// Opens the file and reads its header.
    init(_ path: String) throws(CommandError) {
        let source = try Source(path)
        let reader = try Self.reader(of: source, path)
        self.path = path
        self.source = source
        self.reader = reader
    }

    /// A reader of all columns, whose names are known only when the header has been read.
    private static func reader(
        of source: Source, _ path: String
    ) throws(CommandError) -> RowReader {
        var head: [UInt8] = []
        do throws(LoadError) {
            var names = RowReader(.csv, names: [])
            while try !names.readHeader() {
                let chunk = try source.chunk()
                head += chunk
                if chunk.isEmpty { names.feedEnd() } else { names.feed(chunk.span) }
            }
            var reader = RowReader(.csv, names: names.columnNames)
            reader.feed(head.span)
            if source.isAtEnd { reader.feedEnd() }
            _ = try reader.readHeader()
            return reader
        } catch {
            throw .failed("\(path): \(error)")
        }
    }

    /// The names in the first record, a byte order mark left out.
    var header: [String] { reader.columnNames }

    /// The line on which the last record began, from 1.
    var line: Int { reader.recordLine }

    /// The place of the column `name`.
    func place(of name: String) throws(CommandError) -> Int {
        if let place = header.firstIndex(of: name) { return place }
        throw .failed(
            "\(path) has no column \(name); it has \(header.joined(separator: ", "))")
    }

    /// The fields of the next record, as many as the header has; nil at the end. Empty lines are no records.
    mutating func next() throws(CommandError) -> [String]? {
        switch try outcome() {
        case .row: break
        case .malformed(let reason): throw wrong(reason)
        case .end, .needsMore: return nil
        }
        var fields: [String] = []
        fields.reserveCapacity(reader.cells.count)
        for cell in reader.cells {
            // Bytes that are no UTF-8 would name another entity.
            guard let text = reader.text(of: cell) else { throw wrong("is not UTF-8") }
            fields.append(text)
        }
        return fields
    }

    /// What is next, with as many bytes as that takes.
    private mutating func outcome() throws(CommandError) -> RowReader.Outcome {
        do throws(LoadError) {
            while true {
                let outcome = try reader.next()
                guard outcome == .needsMore else { return outcome }
                let chunk = try source.chunk()
                if chunk.isEmpty { reader.feedEnd() } else { reader.feed(chunk.span) }
            }
        } catch {
            throw .failed("\(path): \(error)")
        }
    }

    private func wrong(_ what: String) -> CommandError {
        .failed("\(path):\(line): the record \(what)")
    }
}

extension LabelFile {
    /// The bytes of a file or a pipe, chunk by chunk.
    private final class Source {
        private let path: String
        private let descriptor: Int32
        private(set) var isAtEnd = false

        init(_ path: String) throws(CommandError) {
            self.path = path
            // Safe: Swift passes a NUL-terminated copy of the path for the call.
            descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .failed("\(Self.failure(path))") }
        }

        deinit {
            close(descriptor)
        }

        /// The next bytes; none at the end.
        func chunk() throws(LoadError) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: LoadingLimits.chunkByteCount)
            var count = 0
            repeat {
                // Safe: read writes at most the room that it is told of.
                count = unsafe bytes.withUnsafeMutableBytes { room in
                    unsafe read(descriptor, room.baseAddress, room.count)
                }
            } while count < 0 && errno == EINTR
            guard count >= 0 else { throw Self.failure(path) }
            isAtEnd = count == 0
            bytes.removeSubrange(count...)
            return bytes
        }

        private static func failure(_ path: String) -> LoadError {
            // Safe: strerror returns a C string which is copied at once.
            .unreadable(path: path, reason: unsafe String(cString: strerror(errno)))
        }
    }
}
