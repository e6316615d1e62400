// SPDX-License-Identifier: Apache-2.0

/// A sorted run in a file, read record by record.
final class SpilledRun {
    private let file: SpillFile
    private var rest: Range<Int>
    private var buffer: [UInt8] = []
    private var position = 0
    private var byteCount = 0

    /// The run at `range` of `file`, before its first record.
    init(_ file: SpillFile, _ range: Range<Int>) {
        self.file = file
        rest = range
    }

    /// Goes to the next record; false if there is none.
    func advance() throws(LoadError) -> Bool {
        position += byteCount
        byteCount = 0
        while true {
            let held = buffer
            let known = SortedRecord.byteCount(
                atStartOf: held.span.extracting(droppingFirst: position))
            if let known, known <= held.count - position {
                byteCount = known
                return true
            }
            guard !rest.isEmpty else { return false }
            try fill(atLeast: known ?? 0)
        }
    }

    private func fill(atLeast wanted: Int) throws(LoadError) {
        buffer.removeFirst(position)
        position = 0
        let count = min(max(LoadingLimits.chunkByteCount, wanted), rest.count)
        try file.read(count, at: rest.lowerBound, into: &buffer)
        rest = rest.lowerBound + count..<rest.upperBound
    }

    /// Lends the record.
    func withRecord<Result>(_ body: (borrowing SortedRecord) -> Result) -> Result {
        let held = buffer
        return body(SortedRecord(held.span, at: position))
    }

    /// Whether its record comes before that of `other`, which is of a later part of the file.
    func comes(before other: SpilledRun) -> Bool {
        let held = buffer
        let others = other.buffer
        let key = SortedRecord(held.span, at: position).key
        return key.order(before: SortedRecord(others.span, at: other.position).key) <= 0
    }
}
