// SPDX-License-Identifier: Apache-2.0

/// The bounds of drift monitoring.
package enum DriftLimits {
    /// How long a window may be declared to last; the shortest is for tests.
    package static let windowMilliseconds: ClosedRange<UInt64> = 100...86_400_000
    /// How long a window lasts that no document declares.
    package static let windowMillisecondsDefault: UInt64 = 300_000
    /// How long a promotion may be declared to be under suspicion: 30 days.
    package static let bakeMillisecondsMax: UInt64 = 30 * 86_400_000
    /// The highest `sample_every`.
    package static let sampleEveryMax: UInt32 = 1_000
    /// Windows' times without a full one after which a slot has too little traffic.
    package static let windowsWithoutTraffic: UInt64 = 3
    /// Series of ``DriftSource`` for features; what is beyond them is not told.
    package static let seriesMax = 4_000
    /// Features and scores of one model for which hours of the day are told apart: at most 6 MB of memory.
    package static let hourlyWatchesMax = 512
    /// Orders of the guard that wait for the store; the oldest go first, those that still pause or undo last.
    package static let unrecordedMax = 1_000
    /// Floats, and vectors, that wait on a loop until the replies of its turn are sent.
    static let backlogFloats = 16_384
    static let backlogVectors = 256
}
