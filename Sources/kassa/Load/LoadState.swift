// SPDX-License-Identifier: Apache-2.0

internal import Documents
internal import Files
internal import Loading

/// How far a load has come, kept in a small file so that an interrupted one can go on.
///
/// Everything before `offset` is stored and would survive a power cut; of a generation, whose rows are
/// sorted, the first `read` records by key are.
struct LoadState: Equatable {
    /// The most bytes of a state file.
    private static let fileByteCountMax = 64 << 10

    /// The file that is loaded, and its state; see `InputFile.identity`.
    var identity = ""
    /// What is written, from which columns: a load goes on only with the same.
    var plan = ""
    var offset = 0
    var line = 1
    var read = 0
    var applied = 0
    var ignoredOlder = 0
    var ignoredErased = 0
    var rejected = 0
    var rejectsByteCount = 0
    /// The generation that is loaded; 0 for the live rows.
    var generation = 0
    /// Whether every row that was read is accounted for.
    var reconciles: Bool { read == applied + ignoredOlder + ignoredErased + rejected }
    /// The event time of rows that have none of their own.
    var defaultTimeMicroseconds = 0

    private static let numbers: [(String, any WritableKeyPath<LoadState, Int> & Sendable)] = [
        ("offset", \.offset), ("line", \.line), ("read", \.read), ("applied", \.applied),
        ("ignored_older", \.ignoredOlder), ("ignored_erased", \.ignoredErased),
        ("rejected", \.rejected),
        ("rejects_bytes", \.rejectsByteCount), ("generation", \.generation),
        ("default_time_us", \.defaultTimeMicroseconds),
    ]

    /// Replaces the state file at `path`, all at once and durably.
    func write(to path: String) throws(CommandError) {
        let numbers = Self.numbers.map {
            Tree.Entry($0.0, .integer(Int64(self[keyPath: $0.1])))
        }
        let tree = Tree.map([.init("file", .text(identity)), .init("plan", .text(plan))] + numbers)
        do throws(FileError) {
            try Files.write(Array((tree.json() + "\n").utf8).span, to: path)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// The state in the file at `path`; nil if there is no such file.
    static func read(_ path: String) throws(CommandError) -> LoadState? {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try Files.read(path, byteCountMax: fileByteCountMax)
        } catch {
            if error.isMissing { return nil }
            throw .failed("\(error)")
        }
        var reader = RowReader(.jsonLines, names: ["file", "plan"] + numbers.map(\.0))
        reader.feed(bytes.span)
        reader.feedEnd()
        guard (try? reader.next()) == .row else { throw unreadable(path) }
        var state = LoadState()
        func text(_ place: Int) -> String {
            let bytes = reader.bytes(of: reader.cells[place])
            return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
        state.identity = text(0)
        state.plan = text(1)
        for (index, number) in numbers.enumerated() {
            guard let value = Int(text(index + 2)), value >= 0 else { throw unreadable(path) }
            state[keyPath: number.1] = value
        }
        return state
    }

    private static func unreadable(_ path: String) -> CommandError {
        .failed("\(path) is no state of a load; remove it and load from the start")
    }
}
