// SPDX-License-Identifier: Apache-2.0

/// The limits of feature sets, writes and rows.
package enum FeatureLimits {
    /// Features of one version of a feature set.
    package static let featuresMax = 1_000
    /// Physical columns of a feature set, over all its versions.
    package static let columnsMax = 2_000
    /// Versions of a feature set.
    package static let versionsMax = 10_000
    /// Bytes of a feature set's stored state, all versions with all their words.
    package static let stateByteCountMax = 8 << 20
    /// Entity kinds that together key a feature set.
    package static let entityKindsMax = 4
    /// Cells (rows times columns) of one write: bounds its memory whatever its message's length.
    package static let cellsMax = 1_000_000
    /// UTF-8 bytes of an entity id.
    package static let idByteCountMax = 256
    /// Bytes of a row's key: a multiple of 8, and with the 8 of an event time, which a key of the history
    /// has behind it, still at most what LMDB takes (511).
    package static let keyByteCountMax = 496
    /// Rows of one write.
    package static let rowsMax = 10_000
    /// UTF-8 bytes of a string value.
    package static let textByteCountMax = 1_024
    /// Components of a vector.
    package static let dimensionMax = 512
    /// Components of all vectors of a version: half a row.
    package static let componentsMax = 8_192
    /// Strings of a list.
    package static let listCountMax = 128
    /// UTF-8 bytes of a list's strings together, each with 2 more for its length.
    package static let listByteCountMax = 4_096
    /// Bytes of all strings, vectors and lists of one write.
    package static let tailByteCountMax = 1 << 30
    /// The earliest value of a timestamp: 0001-01-01. (The latest is that of event times.)
    package static let timestampMicrosecondsMin: Int64 = -62_135_596_800_000_000
    /// The values of timestamps: years 1 to 9999.
    package static let timestamps = timestampMicrosecondsMin...eventTimeMicrosecondsMax
    /// Categories that a string feature declares.
    package static let declaredCategoriesMax = 10_000
    /// Bytes of a whole row. Above about 2,000 LMDB moves a row to pages of its own.
    package static let rowByteCountMax = 65_536
    /// How far an event time may lie in the future: the clocks of writers differ.
    package static let futureSkewMicrosecondsMax: Int64 = 300_000_000
    /// The latest event time there can be: 9999-12-31. Far from any overflow of sums.
    package static let eventTimeMicrosecondsMax: Int64 = 253_402_300_799_999_999
    /// The longest `max_age_ms` and `ttl_ms`: a hundred years.
    package static let durationMillisecondsMax: UInt64 = 3_155_760_000_000
    /// Bytes of an owner or a description.
    package static let proseByteCountMax = 4_096
    /// Labels of a feature set; each key is a name, each value up to 256 bytes.
    package static let labelsMax = 64
    /// Bytes of a label's key or value.
    package static let labelByteCountMax = 256
    /// Inputs of one model.
    package static let inputsMax = 4_096
    /// Categories of one string input: exactly countable in a float32.
    package static let categoriesMax = 65_536
}
