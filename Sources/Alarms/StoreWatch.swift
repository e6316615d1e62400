// SPDX-License-Identifier: Apache-2.0

package import Base

/// Finds, reading by reading, where an alarm about the store begins and where it ends.
///
/// Each kind is raised once and cleared once, with room between both bounds, so that a number that wavers at
/// a bound gives one alarm. Shares are in percent, times in milliseconds.
package struct StoreWatch: Sendable {
    /// The map is getting full from here on; puts are refused from 90 on.
    package static let mapPercentRaised = 70.0
    /// And no longer below here.
    package static let mapPercentCleared = 65.0
    /// The disk is getting full below this share of free space; puts are refused below 5.
    package static let diskFreePercentRaised = 10.0
    /// And no longer from here on.
    package static let diskFreePercentCleared = 12.0
    /// A reader lags from this age on: pages that were freed since cannot be used again.
    package static let readerAgeMillisecondsRaised = 1_000.0
    /// And no longer below this age.
    package static let readerAgeMillisecondsCleared = 500.0

    private var raised: Set<AlarmKind> = []

    /// Nothing is raised yet: what is wrong at the first reading is an alarm.
    package init() {}

    /// The alarms that begin or end with this reading.
    package mutating func look(at reading: StoreReading, now: Timestamp) -> [Alarm] {
        var alarms: [Alarm] = []
        alarms += edge(
            .storeReadOnly, begins: reading.writeRefusal != nil, ends: reading.writeRefusal == nil,
            reading.writeRefusal ?? "The store takes writes again.", nil, now)
        if let isSound = reading.isSound {
            let found = isSound ? "nothing wrong." : "damage; kassa store stats has the places."
            alarms += edge(
                .storeDamage, begins: !isSound, ends: isSound,
                "The last look at every entry of the store found \(found)", nil, now)
        }
        guard let sizes = reading.sizes else { return alarms }
        alarms += edge(
            .storeMapUse, begins: sizes.mapPercent >= Self.mapPercentRaised,
            ends: sizes.mapPercent < Self.mapPercentCleared,
            "The share of the store's map that is in use.",
            .init("map_percent", sizes.mapPercent), now)
        if let free = sizes.diskFreePercent {
            alarms += edge(
                .storeDiskSpace, begins: free < Self.diskFreePercentRaised,
                ends: free >= Self.diskFreePercentCleared,
                "The share of the store's filesystem that is free.",
                .init("disk_free_percent", free), now)
        }
        let age = sizes.readerAgeMilliseconds
        alarms += edge(
            .storeReaderLag, begins: age >= Self.readerAgeMillisecondsRaised,
            ends: age < Self.readerAgeMillisecondsCleared,
            "How long a reader of the store has held its snapshot.",
            .init("reader_age_milliseconds", age), now)
        return alarms
    }

    /// The alarm of a kind whose bound was crossed; none while it stays on its side.
    private mutating func edge(
        _ kind: AlarmKind, begins: Bool, ends: Bool, _ reason: String, _ detail: Alarm.Detail?,
        _ now: Timestamp
    ) -> [Alarm] {
        let isRaised = raised.contains(kind)
        guard isRaised ? ends : begins else { return [] }
        if isRaised { raised.remove(kind) } else { raised.insert(kind) }
        return [
            Alarm(
                kind, isRaised ? .cleared : .raised, reason: reason,
                details: detail.map { [$0] } ?? [], at: now)
        ]
    }
}
