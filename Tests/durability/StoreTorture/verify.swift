// SPDX-License-Identifier: Apache-2.0

internal import Store

/// Checks that every write up to the last is there, once and whole; returns the exit code.
///
/// 0: all is well. 1: an acknowledged write is missing. 2: the store contradicts itself.
func verify(_ environment: Environment, _ arguments: Arguments) throws(StoreError) -> Int32 {
    let finding = try inspect(
        environment, acknowledged: arguments.acknowledged, from: arguments.from)
    switch finding {
    case .whole(let last):
        printLine("verified \(last)")
        return 0
    case .lost(let text):
        printError(text)
        return 1
    case .broken(let text):
        printError(text)
        return 2
    }
}

/// Verifies image after image, as standard input names them; returns the exit code.
func verifyImages(below directory: String) -> Int32 {
    while let line = readLine() {
        let words = line.split(separator: " ")
        guard words.count == 2, let acknowledged = UInt64(words[1]) else { return 64 }
        do throws(StoreError) {
            let environment = try Environment(
                at: "\(directory)/\(words[0])", tables: Row.tables)
            switch try inspect(environment, acknowledged: acknowledged, from: 1) {
            case .whole(let last): printLine("ok \(last)")
            case .lost(let text): printLine("lost \(text)")
            case .broken(let text): printLine("broken \(text)")
            }
        } catch {
            printLine("refused \(error.message)")
        }
    }
    return 0
}

/// What a look at the whole store finds.
private enum Finding {
    case whole(last: UInt64)
    case lost(String)
    case broken(String)
}

private func inspect(
    _ environment: Environment, acknowledged: UInt64, from first: UInt64
) throws(StoreError) -> Finding {
    let writer = try Writer(environment: environment)
    let last = writer.statistics.lastSequence
    writer.stop()
    let tables = Tables(environment)
    guard last >= acknowledged else {
        return .lost("sequence \(acknowledged) was acknowledged; the last here is \(last)")
    }
    var complaints: [String] = []
    for table in try environment.statistics().tables
    where table.name == "rows" || table.name == "log" {
        if table.entries != last {
            complaints.append("\(table.name) has \(table.entries) entries and not \(last)")
        }
    }
    try environment.read { (transaction) throws(StoreError) in
        var sequence = first
        while sequence <= last {
            let row = Row(sequence: sequence)
            let value = try transaction.value(forKey: row.key.span, in: tables.rows)
            if !(value?.equals(row.value) ?? false) { complaints.append("row \(sequence)") }
            let entry = try transaction.value(forKey: row.logKey.span, in: tables.log)
            if !(entry?.equals(row.key) ?? false) { complaints.append("log \(sequence)") }
            sequence += 1
        }
        try transaction.scan(tables.large, prefix: Span()) { key, value in
            let writer = Row(sequence: value.first8)
            if !key.equals(writer.largeKey) || !value.equals(writer.largeValue)
                || writer.sequence > last
            {
                complaints.append("large value of \(writer.sequence)")
            }
            return true
        }
    }
    guard complaints.isEmpty else {
        return .broken(complaints.prefix(10).joined(separator: "; "))
    }
    return .whole(last: last)
}

extension Span<UInt8> {
    fileprivate func equals(_ other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }

    fileprivate var first8: UInt64 {
        (0..<Swift.min(8, count)).reduce(0) { $0 | UInt64(self[$1]) << UInt64(8 * $1) }
    }
}
