// SPDX-License-Identifier: Apache-2.0

internal import Base

/// Records that are sorted in memory: as many as there is room for.
///
/// A record lies in `bytes` as it does in a spilled run: its line (UInt64), its bytes (UInt32), those of
/// its key (UInt32), the key, the record.
struct SortRun: ~Copyable {
    /// Bytes of a record in front of its key.
    static let headerByteCount = 16

    /// A record's place, and eight bytes of its key from where the keys begin to differ.
    private struct Entry {
        var prefix: UInt64 = 0
        let start: UInt32
    }

    private var bytes: ByteBuffer
    private var entries: [Entry] = []
    private let byteCountMax: Int
    private var isAscending = true

    /// A run of at most `byteCountMax` bytes, and of one record at least.
    init(byteCountMax: Int) {
        precondition(byteCountMax <= Int(UInt32.max) / 2)
        self.byteCountMax = byteCountMax
        // Memory that is not used yet takes none.
        bytes = ByteBuffer(capacity: byteCountMax)
    }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    /// Whether a record with a key of `keyByteCount` bytes fits.
    func hasRoom(_ record: Span<UInt8>, keyByteCount: Int) -> Bool {
        let byteCount = Self.headerByteCount + keyByteCount + record.count
        return entries.isEmpty
            || bytes.count + byteCount + entries.count * MemoryLayout<Entry>.stride
                <= byteCountMax
    }

    /// Adds a record behind those before.
    mutating func append(
        _ record: Span<UInt8>, key: Span<UInt8>, line: Int, isMalformed: Bool
    ) {
        isAscending = isAscending && isBehindLast(key)
        entries.append(Entry(start: UInt32(bytes.count)))
        let number = UInt64(line) | (isMalformed ? SortedRecord.malformedBit : 0)
        append(number)
        append(UInt64(key.count) << 32 | UInt64(record.count))
        bytes.append(key)
        bytes.append(record)
    }

    private func isBehindLast(_ key: Span<UInt8>) -> Bool {
        guard let last = entries.last else { return true }
        return SortedRecord(bytes.bytes, at: Int(last.start)).key.order(before: key) <= 0
    }

    private mutating func append(_ number: UInt64) {
        var shift: UInt64 = 0
        while shift < 64 {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            shift += 8
        }
    }

    /// The record at a place of the order.
    @_lifetime(borrow self)
    func record(at place: Int) -> SortedRecord {
        SortedRecord(bytes.bytes, at: Int(entries[place].start))
    }

    /// Appends the record at a place of the order as it lies here.
    func appendRecord(at place: Int, to chunk: inout [UInt8]) {
        let start = Int(entries[place].start)
        let rest = bytes.bytes.extracting(droppingFirst: start)
        guard let count = SortedRecord.byteCount(atStartOf: rest) else { return }
        // Safe: the bytes are copied at once.
        unsafe rest.extracting(first: count).withUnsafeBufferPointer {
            unsafe chunk.append(contentsOf: $0)
        }
    }

    /// Sorts the records by key; those of one key stay as they came.
    mutating func sort() {
        guard !isAscending else { return }
        entries = sortedEntries()
    }

    private func sortedEntries() -> [Entry] {
        let all = bytes.bytes
        // Safe: the pointer is used within the closure only, as a span that checks its bounds.
        return unsafe all.withUnsafeBufferPointer { buffer in
            var entries = entries
            unsafe Self.takePrefixes(&entries, Span(_unsafeElements: buffer))
            entries.sort { left, right in
                if left.prefix != right.prefix { return left.prefix < right.prefix }
                let all = unsafe Span(_unsafeElements: buffer)
                let leftKey = SortedRecord(all, at: Int(left.start)).key
                let order = leftKey.order(before: SortedRecord(all, at: Int(right.start)).key)
                return order != 0 ? order < 0 : left.start < right.start
            }
            return entries
        }
    }

    /// Forgets the records and keeps the memory.
    mutating func removeAll() {
        bytes.removeAll()
        entries.removeAll(keepingCapacity: true)
        isAscending = true
    }

    private static func takePrefixes(_ entries: inout [Entry], _ all: Span<UInt8>) {
        let first = SortedRecord(all, at: Int(entries[0].start)).key
        var common = first.count
        for entry in entries {
            common = first.commonPrefixCount(
                SortedRecord(all, at: Int(entry.start)).key, atMost: common)
        }
        for index in entries.indices {
            let key = SortedRecord(all, at: Int(entries[index].start)).key
            var prefix: UInt64 = 0
            for place in common..<common + 8 {
                prefix = prefix << 8 | (place < key.count ? UInt64(key[place]) : 0)
            }
            entries[index].prefix = prefix
        }
    }
}
