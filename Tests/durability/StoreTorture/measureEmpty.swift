// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Store

/// Fills a table with `rows` rows of 1,000 bytes, empties it in one transaction, fills it again and
/// empties it 4,096 rows at a time; prints how long each took.
func measureEmpty(_ environment: Environment, rows: UInt64) throws(StoreError) -> Int32 {
    let writer = try Writer(environment: environment)
    let table = environment.table("rows")
    do {
        try fill(writer, table, rows)
        var started = MonotonicTime.now()
        try writer.run { transaction, _ in try transaction.empty(table) }
        report("one transaction", since: started)
        try fill(writer, table, rows)
        started = MonotonicTime.now()
        var longest: UInt64 = 0
        let all: [UInt8] = []
        while true {
            let begun = MonotonicTime.now()
            let count = try writer.run { transaction, _ in
                var keys: [[UInt8]] = []
                try transaction.scan(table, prefix: all.span) { key, _ in
                    keys.append(key.indices.map { key[$0] })
                    return keys.count < 4_096
                }
                for key in keys { try transaction.delete(key.span, in: table) }
                return keys.count
            }
            longest = max(longest, MonotonicTime.now().nanoseconds(since: begun))
            if count == 0 { break }
        }
        report("4,096 at a time", since: started)
        printLine("the longest of them \(longest / 1_000) microseconds")
        return 0
    } catch {
        printError("\(error)")
        return 4
    }
}

private func fill(_ writer: Writer, _ table: Table, _ rows: UInt64) throws {
    let started = MonotonicTime.now()
    let value = [UInt8](repeating: 1, count: 1_000)
    for start in stride(from: 0, to: rows, by: 4_096) {
        try writer.run { transaction, _ in
            for number in start..<min(start + 4_096, rows) {
                let key = Row(sequence: number).logKey
                try transaction.append(value.span, forKey: key.span, in: table)
            }
        }
    }
    report("filling", since: started)
}

private func report(_ text: String, since started: MonotonicTime) {
    printLine("\(text): \(MonotonicTime.now().nanoseconds(since: started) / 1_000) microseconds")
}
