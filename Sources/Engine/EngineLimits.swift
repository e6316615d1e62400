// SPDX-License-Identifier: Apache-2.0

internal import Features
internal import Store

/// The bounds of an engine.
package enum EngineLimits {
    /// How long a model may take to evaluate a row, in microseconds, as measured at import.
    package static let rowMicrosecondsMax: Double = 5_000
    /// Address space of the store, taken but not filled.
    package static let mapBytes = 64 << 30
    /// Reader slots besides one per loop: control work and inspection.
    package static let sparedReaders = 16
    /// Documents in one `Apply`.
    package static let documentsMax = 1_000
    /// Versions of one model.
    package static let modelVersionsMax = 1_000
    /// The highest number of a model's version: far from where counting on would overflow.
    package static let modelVersionMax: UInt32 = 1_000_000_000

    /// Spare tables for generations, over all feature sets.
    package static let generationTablesMax = 16
    /// Rows of a discarded generation that are deleted in one commit.
    package static let emptiedRowsMax = 2_000
    /// Rows that are looked at under one snapshot, or in one commit.
    package static let visitedRowsMax = 20_000
    /// Values of a feature that a check compares, on either side.
    package static let sampleValuesMax = 20_000
    /// Values on either side below which a distribution is not judged.
    package static let sampleValuesMin = 500
    /// Keys of live writes that are remembered while a generation is being loaded.
    package static let liveKeysMax = 1_000_000

    /// The slow look at every entry goes at least this fast, so that a small store is looked through soon.
    package static let scrubBytesPerSecondMin: UInt64 = 1 << 20
    /// Entries that the slow look takes at once: well under a millisecond.
    package static let scrubSliceEntriesMax = 512
    /// How often a look at every entry is begun anew when the store was closed under it.
    package static let scrubAttemptsMax = 5

    /// The longest that a snapshot may be told to hold the data as of one moment, in seconds.
    package static let snapshotSecondsMax = 86_400

    /// What a caller should wait that met a full queue: a few group commits.
    package static let queueRetryMilliseconds: UInt32 = 100
    /// What a caller should wait that met other long work, such as uploads and control work.
    package static let workRetryMilliseconds: UInt32 = 1_000

    /// Bytes that wait for the writer.
    package static let queuedByteCountMax = 128 << 20

    /// A group of commits holds at least one whole request, whose rows become visible together.
    static var writer: WriterLimits {
        var limits = WriterLimits()
        limits.groupRecordsMax = FeatureLimits.rowsMax
        limits.groupBytesMax = queuedByteCountMax / 4
        limits.queuedBytesMax = queuedByteCountMax
        return limits
    }
}
