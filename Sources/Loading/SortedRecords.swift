// SPDX-License-Identifier: Apache-2.0

internal import Base

/// All records of a file in the order of their keys, in constant memory.
///
/// Records are collected and sorted in memory. A file that is longer than the memory is sorted run by run
/// into a file of runs, which are then merged.
struct SortedRecords: ~Copyable {
    private var run: SortRun
    private let spillPath: String
    private var spill: SpillFile?
    private var spilled: [Range<Int>] = []
    private var merge: RunMerge?
    private var place = 0

    /// No records yet; `spillPath` is where the file of runs is made if one is needed.
    init(spillPath: String, byteCountMax: Int) {
        self.spillPath = spillPath
        run = SortRun(byteCountMax: byteCountMax)
    }

    /// Takes the last record of `reader`.
    mutating func append(
        recordOf reader: borrowing RowReader, key: Span<UInt8>
    ) throws(LoadError) {
        try append(reader.record, key: key, line: reader.recordLine)
    }

    /// Takes a record, or the reason why it is none.
    mutating func append(
        _ record: Span<UInt8>, key: Span<UInt8>, line: Int, isMalformed: Bool = false
    ) throws(LoadError) {
        if !run.hasRoom(record, keyByteCount: key.count) { try spillRun() }
        run.append(record, key: key, line: line, isMalformed: isMalformed)
    }

    /// Ends taking records: from here on they are given.
    mutating func finish() throws(LoadError) {
        guard let spill else { return run.sort() }
        try spillRun()
        merge = try RunMerge(spilled.map { SpilledRun(spill, $0) })
        run = SortRun(byteCountMax: 0)
    }

    /// Lends the next record; nil at the end.
    mutating func next<Result>(
        _ body: (borrowing SortedRecord) -> Result
    ) throws(LoadError) -> Result? {
        guard let merge else {
            guard place < run.count else { return nil }
            place += 1
            return body(run.record(at: place - 1))
        }
        guard let first = merge.first else { return nil }
        let result = first.withRecord(body)
        try merge.advance()
        return result
    }

    private mutating func spillRun() throws(LoadError) {
        guard !run.isEmpty else { return }
        run.sort()
        let file: SpillFile
        if let spill { file = spill } else { file = try SpillFile(spillPath) }
        spill = file
        spilled.append(try file.write(run))
        run.removeAll()
    }
}
