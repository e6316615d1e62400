// SPDX-License-Identifier: Apache-2.0

import Alarms
import Base
import Testing

private let now = Timestamp(microseconds: 5)

private func edges(_ watch: inout StoreWatch, _ reading: StoreReading) -> [String] {
    watch.look(at: reading, now: now).map { "\($0.kind.name) \($0.state.rawValue)" }
}

private func sizes(
    map: Double = 1, free: Double? = 50, age: Double = 0
) -> StoreReading {
    StoreReading(
        sizes: .init(mapPercent: map, diskFreePercent: free, readerAgeMilliseconds: age))
}

@Test func `a healthy store gives no alarm`() {
    var watch = StoreWatch()
    #expect(edges(&watch, sizes()) == [])
    #expect(edges(&watch, StoreReading()) == [])
    #expect(edges(&watch, StoreReading(isSound: true)) == [])
}

@Test func `each bound is met at its edge and left beyond the other one`() {
    var watch = StoreWatch()
    #expect(edges(&watch, sizes(map: 69.9)) == [])
    #expect(edges(&watch, sizes(map: 70)) == ["store_map_use raised"])
    #expect(edges(&watch, sizes(map: 65)) == [])
    #expect(edges(&watch, sizes(map: 64.9)) == ["store_map_use cleared"])
    #expect(edges(&watch, sizes(free: 10)) == [])
    #expect(edges(&watch, sizes(free: 9.9)) == ["store_disk_space raised"])
    #expect(edges(&watch, sizes(free: 11.9)) == [])
    #expect(edges(&watch, sizes(free: nil)) == [])
    #expect(edges(&watch, sizes(free: 12)) == ["store_disk_space cleared"])
    #expect(edges(&watch, sizes(age: 999)) == [])
    #expect(edges(&watch, sizes(age: 1_000)) == ["store_reader_lag raised"])
    #expect(edges(&watch, sizes(age: 500)) == [])
    #expect(edges(&watch, sizes(age: 499)) == ["store_reader_lag cleared"])
}

@Test func `an alarm is raised once, however long it lasts`() {
    var watch = StoreWatch()
    let bad = StoreReading(
        writeRefusal: "The disk failed.", isSound: false,
        sizes: .init(mapPercent: 80, diskFreePercent: 1, readerAgeMilliseconds: 5_000))
    let raised = watch.look(at: bad, now: now)
    #expect(
        raised.map(\.kind)
            == [.storeReadOnly, .storeDamage, .storeMapUse, .storeDiskSpace, .storeReaderLag])
    #expect(raised[0].reason == "The disk failed.")
    #expect(raised[3].details == [.init("disk_free_percent", 1)])
    #expect(raised.allSatisfy { $0.at == now })
    for _ in 0..<10 { #expect(watch.look(at: bad, now: now).isEmpty) }
    // What cannot be read ends nothing, what is known to be well does.
    #expect(edges(&watch, StoreReading()) == ["store_read_only cleared"])
    #expect(edges(&watch, StoreReading(isSound: true)) == ["store_damage cleared"])
    #expect(edges(&watch, sizes()).count == 3)
    #expect(edges(&watch, sizes()) == [])
}
