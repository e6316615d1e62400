// SPDX-License-Identifier: Apache-2.0

/// How fast a copy of the store may go, and for how long it may hold its snapshot.
///
/// No page that is freed while a snapshot is held can be used again, so that a slow copy under writes makes the
/// data file grow. A copy that costs more than is allowed here is given up: the store comes before its copy.
package struct CopyPace: Hashable, Sendable {
    /// Bytes a second that are written; nil for as fast as the disks go.
    package var bytesPerSecond: UInt64?
    /// How long the snapshot may be held, in seconds; nil for as long as it takes.
    package var secondsMax: UInt64? = Limits.copySeconds
    /// How much the data may grow meanwhile, in percent of what it was.
    package var growthPercentMax = Limits.copyGrowthPercentMax
    /// How much it may grow in any case, in bytes: a small store doubles soon.
    package var growthBytesMin = Limits.copyGrowthBytesMin

    /// As fast as it goes, within the limits.
    package init() {}

    /// How much data of `byteCount` bytes may grow.
    func growthBytesMax(of byteCount: UInt64) -> UInt64 {
        max(growthBytesMin, byteCount / 100 * growthPercentMax)
    }
}

/// What a copy cost too much of.
package enum CopyCost: Hashable, Sendable {
    /// The snapshot was held for so many seconds.
    case seconds(UInt64)
    /// The data file has grown by so many bytes meanwhile.
    case growth(bytes: UInt64)
}
