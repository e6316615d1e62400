// SPDX-License-Identifier: Apache-2.0

/// The bounds of a group of writes and of the mailbox in front of it.
package struct WriterLimits: Hashable, Sendable {
    /// Records of a group.
    package var groupRecordsMax = 4_096
    /// Bytes of the keys and values of a group.
    package var groupBytesMax = 4 << 20
    /// How long a group may go on taking commands that arrive while it is made; what waited when it
    /// began goes in whatever the time, up to the other limits.
    package var groupDelayMicrosecondsMax: UInt64 = 2_000
    /// Commands that wait or are being written.
    package var queuedCommandsMax = 65_536
    /// Bytes of commands that wait or are being written.
    package var queuedBytesMax = 64 << 20
    /// How long the last fast group may stay unsynced while nothing more comes.
    package var idleSyncMicroseconds: UInt64 = 10_000

    /// The limits of a writer that is given none; the server's are `EngineLimits.writer`.
    package init() {}
}
