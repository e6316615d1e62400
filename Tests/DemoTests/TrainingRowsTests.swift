// SPDX-License-Identifier: Apache-2.0

import Base
import Simulator
import Testing

@testable import Demo

private func rows(seed: UInt64, sessions: Int) -> [[Substring]] {
    let shop = Shop(seed: seed, opening: Timestamp(microseconds: 0), sessions: sessions)
    var rows = TrainingRows(shop: shop, seed: seed)
    var all: [[Substring]] = []
    while let lines = rows.next() {
        all += lines.map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    }
    return all
}

private let header = TrainingRows.header.split(separator: ",")

@Test func `every row has a cell per column, a filled cart and one label per session`() throws {
    let exported = rows(seed: 1, sessions: 3_000)
    let cart = try #require(header.firstIndex(of: "cart_items"))
    let returning = try #require(header.firstIndex(of: "is_returning"))
    let orders = try #require(header.firstIndex(of: "orders"))
    var labels: [Substring: Substring] = [:]
    for row in exported {
        #expect(row.count == header.count)
        #expect(Int(row[cart]) ?? 0 > 0)
        #expect(row[orders].isEmpty == (row[returning] == "0"))
        #expect(labels[row[0], default: row[row.count - 1]] == row[row.count - 1])
        labels[row[0]] = row[row.count - 1]
    }
    #expect(exported.count > 1_000)
    #expect(Set(labels.values) == ["0", "1"])
    let share = Double(labels.values.count { $0 == "1" }) / Double(labels.count)
    #expect((0.66...0.78).contains(share))
}

@Test func `an export repeats with its seed and differs with another`() {
    #expect(rows(seed: 2, sessions: 200) == rows(seed: 2, sessions: 200))
    #expect(rows(seed: 2, sessions: 200) != rows(seed: 3, sessions: 200))
}
