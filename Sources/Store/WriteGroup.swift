// SPDX-License-Identifier: Apache-2.0

/// The commands of one transaction, and how each of them stands.
struct WriteGroup {
    /// One command of the group.
    struct Entry {
        let command: any WriteCommand
        let byteCount: Int
        /// Its write sequence; 0 until it is applied.
        var sequence: UInt64 = 0
        /// Why it is left out, if it is.
        var failure: StoreError?
    }

    private(set) var entries: [Entry] = []
    private(set) var records = 0
    private(set) var bytes = 0
    /// Whether no more commands are to be taken in.
    var isClosed = false

    /// Whether a command of this size still fits; the first one always does.
    func hasRoom(records: Int, bytes: Int, limits: WriterLimits) -> Bool {
        guard !entries.isEmpty else { return true }
        return self.records + records <= limits.groupRecordsMax
            && self.bytes + bytes <= limits.groupBytesMax
    }

    /// Takes `command` in.
    mutating func append(_ command: any WriteCommand, records: Int, bytes: Int) {
        entries.append(Entry(command: command, byteCount: bytes))
        self.records += records
        self.bytes += bytes
    }

    /// Notes that the command at `index` was applied under `sequence`.
    mutating func applied(_ index: Int, sequence: UInt64) {
        entries[index].sequence = sequence
    }

    /// Leaves the command at `index` out, because of `failure`.
    mutating func exclude(_ index: Int, _ failure: StoreError) {
        entries[index].failure = failure
    }

    /// Takes those in again that were left out because of `failure`.
    mutating func readmit(_ failure: StoreError) {
        for index in entries.indices where entries[index].failure == failure {
            entries[index].failure = nil
        }
    }

    /// Forgets the commands and keeps the storage.
    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        records = 0
        bytes = 0
        isClosed = false
    }
}
