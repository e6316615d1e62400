// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What the writer counts; its thread writes them, metrics read them.
final class WriterCounters: Sendable {
    let groups = Atomic<UInt64>(0)
    let failedGroups = Atomic<UInt64>(0)
    let commands = Atomic<UInt64>(0)
    let failedCommands = Atomic<UInt64>(0)
    let records = Atomic<UInt64>(0)
    let bytes = Atomic<UInt64>(0)
    let syncs = Atomic<UInt64>(0)
    let lastSequence = Atomic<UInt64>(0)
    let groupRecords = Log2Histogram()
    let commitMicroseconds = Log2Histogram()
}

/// The writer's counters as they were read.
package struct WriterStatistics: Hashable, Sendable {
    /// Groups committed.
    package var groups: UInt64
    /// Groups that failed to commit or to sync.
    package var failedGroups: UInt64
    /// Commands committed.
    package var commands: UInt64
    /// Commands completed with an error.
    package var failedCommands: UInt64
    /// Records committed, by the commands' own count.
    package var records: UInt64
    /// Bytes committed, by the commands' own count.
    package var bytes: UInt64
    /// Syncs made on top of those within commits.
    package var syncs: UInt64
    /// The write sequence of the last command committed.
    package var lastSequence: UInt64
    /// Commands that wait or are being written.
    package var queuedCommands: Int
    /// Bytes of commands that wait or are being written.
    package var queuedBytes: Int
    /// Records of each group committed.
    package var groupRecords: Log2HistogramSnapshot
    /// Time of each group's commit and sync, in microseconds.
    package var commitMicroseconds: Log2HistogramSnapshot
}
