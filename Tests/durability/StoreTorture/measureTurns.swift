// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Store

/// Prints how long a reader's turn takes: renew, one row, reset.
func measureTurns(_ environment: Environment) throws(StoreError) -> Int32 {
    let turns: UInt64 = 1_000_000
    let table = environment.table("rows")
    let key = Row(sequence: 1).key
    var transaction = try environment.makeReadTransaction()
    transaction.reset()
    for isReading in [false, true] {
        let started = MonotonicTime.now()
        for _ in 0..<turns {
            try transaction.renew()
            if isReading { _ = try transaction.value(forKey: key.span, in: table) }
            transaction.reset()
        }
        let elapsed = MonotonicTime.now().nanoseconds(since: started)
        printLine("a turn with \(isReading ? "one row" : "nothing") takes \(elapsed / turns) ns")
    }
    return 0
}
