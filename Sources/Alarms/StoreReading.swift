// SPDX-License-Identifier: Apache-2.0

/// How the store is at one moment, as far as alarms go.
package struct StoreReading: Hashable, Sendable {
    /// What can only be known while the store can be read.
    package struct Sizes: Hashable, Sendable {
        /// The share of the map in use, in percent.
        package var mapPercent: Double
        /// The share of the filesystem that is free, in percent; nil if it does not say.
        package var diskFreePercent: Double?
        /// How long the oldest reader has held its snapshot, in milliseconds.
        package var readerAgeMilliseconds: Double

        /// Sizes as they were read.
        package init(
            mapPercent: Double, diskFreePercent: Double?, readerAgeMilliseconds: Double
        ) {
            self.mapPercent = mapPercent
            self.diskFreePercent = diskFreePercent
            self.readerAgeMilliseconds = readerAgeMilliseconds
        }
    }

    /// Why the store takes no writes; nil if it takes them.
    package var writeRefusal: String?
    /// Whether the last look at every entry found nothing wrong; nil before the first.
    package var isSound: Bool?
    /// The sizes; nil if they cannot be read now, which changes no alarm.
    package var sizes: Sizes?

    /// A reading.
    package init(writeRefusal: String? = nil, isSound: Bool? = nil, sizes: Sizes? = nil) {
        self.writeRefusal = writeRefusal
        self.isSound = isSound
        self.sizes = sizes
    }
}
