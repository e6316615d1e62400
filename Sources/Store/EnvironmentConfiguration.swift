// SPDX-License-Identifier: Apache-2.0

/// How an environment is opened.
package struct EnvironmentConfiguration: Sendable {
    /// Bytes of address space for the data; the file takes only what is written.
    ///
    /// The default is 64 GiB. A file larger than this is mapped whole all the same.
    package var mapBytes = 64 << 30
    /// What the map may grow to while it is open, doubling when it is nearly full; 0 for never.
    package var mapBytesMax = 0
    /// Read transactions at once: one for each loop, and 16 for control work.
    package var readersMax = Limits.readersMax

    /// The share of the filesystem, in percent, that must be free for puts to be taken.
    ///
    /// LMDB itself meets a full disk as a failed write; deletes and control changes go on until then.
    package var diskFreePercentMin: UInt64 = 5

    /// The default configuration, with what is given in its place.
    package init(
        mapBytes: Int = 64 << 30, mapBytesMax: Int = 0, readersMax: Int = Limits.readersMax,
        diskFreePercentMin: UInt64 = 5
    ) {
        self.mapBytes = mapBytes
        self.mapBytesMax = mapBytesMax
        self.readersMax = readersMax
        self.diskFreePercentMin = diskFreePercentMin
    }
}
