// SPDX-License-Identifier: Apache-2.0

/// The bounds of keys and values.
package enum Limits {
    /// Bytes of a key; LMDB's own bound.
    package static let keyBytes = 1...511
    /// The most bytes of a value: a row has 2,000, the largest document a few hundred thousand.
    package static let valueBytesMax = 16 << 20
    /// Readers at once, where the configuration does not say.
    package static let readersMax = 126
    /// The share of the map in use, in percent, above which puts are refused.
    ///
    /// In LMDB a delete needs free pages too: a map that is full to the brim cannot be emptied.
    package static let mapPercentMax: UInt64 = 90
    /// How long a copy may hold its snapshot, in seconds, where it is not told.
    package static let copySeconds: UInt64 = 3_600
    /// How much the data file may grow under a copy, in percent of its pages in use.
    package static let copyGrowthPercentMax: UInt64 = 75
    /// How much it may grow in any case, in bytes.
    package static let copyGrowthBytesMin: UInt64 = 64 << 20
    /// Tables of one environment, `meta` included.
    package static let tablesMax = 96
}
