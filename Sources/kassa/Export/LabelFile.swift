// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file of comma-separated labels (RFC 4180, UTF-8), read record by record in constant memory.
///
/// ```swift
/// var labels = try LabelFile("labels.csv")
/// while let fields = try labels.next() { use(fields, labels.line) }
/// ```
struct LabelFile: ~Copyable {
    /// Bytes that are read at once.
    static let chunkByteCount = 64 << 10
    /// The most bytes of a record.
    static let recordByteCountMax = 1 << 20

    let path: String
    /// The names in the first record, a byte order mark left out.
    private(set) var header: [String] = []
    /// The line on which the last record began, from 1.
    private(set) var line = 0
    private var nextLine = 1
    private var bytes: [UInt8] = []
    private var position = 0
    private let descriptor: Int32

    /// Opens the file and reads its header.
    init(_ path: String) throws(CommandError) {
        self.path = path
        // Safe: Swift passes a NUL-terminated copy of the path for the call.
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        guard var names = try next() else { throw .failed("\(path) is empty") }
        if names[0].unicodeScalars.first == "\u{FEFF}" {
            names[0].unicodeScalars.removeFirst()
        }
        guard Set(names).count == names.count else {
            throw .failed("\(path):1: a column is there twice")
        }
        header = names
    }

    deinit {
        close(descriptor)
    }

    /// The place of the column `name`.
    func place(of name: String) throws(CommandError) -> Int {
        if let place = header.firstIndex(of: name) { return place }
        throw .failed(
            "\(path) has no column \(name); it has \(header.joined(separator: ", "))")
    }

    /// The fields of the next record, as many as the header has; nil at the end. Empty lines are no records.
    mutating func next() throws(CommandError) -> [String]? {
        while let byte = try peek() {
            guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else { break }
            if byte == UInt8(ascii: "\n") { nextLine += 1 }
            position += 1
        }
        guard try peek() != nil else { return nil }
        line = nextLine
        var fields: [String] = []
        var byteCount = 0
        while true {
            let (field, isLast) = try field(&byteCount)
            // Bytes that are no UTF-8 would name another entity.
            guard let text = String(validating: field, as: UTF8.self) else {
                throw wrong("is not UTF-8")
            }
            fields.append(text)
            if isLast { break }
        }
        guard header.isEmpty || fields.count == header.count else {
            throw wrong("has \(fields.count) fields, and the header \(header.count)")
        }
        return fields
    }

    /// One field, and whether the record ends with it.
    private mutating func field(
        _ byteCount: inout Int
    ) throws(CommandError) -> (bytes: [UInt8], isLast: Bool) {
        var field: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        while let byte = try peek() {
            position += 1
            byteCount += 1
            guard byteCount <= Self.recordByteCountMax else {
                throw wrong("is longer than \(Self.recordByteCountMax) bytes")
            }
            if byte == UInt8(ascii: "\n") { nextLine += 1 }
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    field.append(byte)
                } else if try peek() == byte {
                    position += 1
                    field.append(byte)
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: ","): return (field, false)
            case UInt8(ascii: "\n"):
                if !wasQuoted, field.last == UInt8(ascii: "\r") { field.removeLast() }
                return (field, true)
            case UInt8(ascii: "\"") where field.isEmpty && !wasQuoted:
                isQuoted = true
                wasQuoted = true
            case UInt8(ascii: "\r") where wasQuoted: continue
            default:
                guard !wasQuoted, byte != UInt8(ascii: "\"") else {
                    throw wrong("has a quote that does not stand around a whole field")
                }
                field.append(byte)
            }
        }
        guard !isQuoted else { throw wrong("opens a quote that nothing closes") }
        return (field, true)
    }

    /// The byte at the position; nil at the end of the file.
    private mutating func peek() throws(CommandError) -> UInt8? {
        if position < bytes.count { return bytes[position] }
        bytes = [UInt8](repeating: 0, count: Self.chunkByteCount)
        position = 0
        var count = 0
        repeat {
            // Safe: read writes at most the room that it is told of.
            count = unsafe bytes.withUnsafeMutableBytes { room in
                unsafe read(descriptor, room.baseAddress, room.count)
            }
        } while count < 0 && errno == EINTR
        bytes.removeSubrange(max(0, count)...)
        guard count >= 0 else { throw Self.failure("read", path) }
        return bytes.first
    }

    private func wrong(_ what: String) -> CommandError {
        .failed("\(path):\(line): the record \(what)")
    }

    private static func failure(_ action: String, _ path: String) -> CommandError {
        // Safe: strerror returns a C string which is copied at once.
        .failed("cannot \(action) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
