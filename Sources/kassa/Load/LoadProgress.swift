// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Glibc

/// Tells a person how a load goes: one line that changes on a terminal, else a line now and then.
struct LoadProgress {
    private static let terminalNanoseconds: UInt64 = 200_000_000
    private static let plainNanoseconds: UInt64 = 5_000_000_000

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let startedAt = MonotonicTime.now()
    private let startRows: Int
    private let startOffset: Int
    private let byteCount: Int
    private var toldAt = MonotonicTime.now()
    private var hasBar = false

    init(rows: Int, offset: Int, byteCount: Int) {
        startRows = rows
        startOffset = offset
        self.byteCount = byteCount
    }

    /// Seconds since the load began or went on.
    var seconds: Double { Double(MonotonicTime.now().nanoseconds(since: startedAt)) / 1e9 }

    /// Shows the state, if the last time is long enough ago.
    mutating func show(rows: Int, offset: Int) {
        let now = MonotonicTime.now()
        let pause = isTerminal ? Self.terminalNanoseconds : Self.plainNanoseconds
        guard now.nanoseconds(since: toldAt) >= pause else { return }
        toldAt = now
        let line = Self.line(
            rows: rows, loaded: rows - startRows, bytes: offset - startOffset, offset: offset,
            of: byteCount, seconds: seconds, hasBar: isTerminal)
        if isTerminal {
            hasBar = true
            printError("\r\u{1B}[K" + line, terminator: "")
        } else {
            printError(line)
        }
    }

    /// Takes the changing line away.
    mutating func clear() {
        if hasBar { printError("\r\u{1B}[K", terminator: "") }
        hasBar = false
    }

    /// "[######----]  62 %  1,234,000 rows  312,000 rows/s  12 s left".
    static func line(
        rows: Int, loaded: Int, bytes: Int, offset: Int, of byteCount: Int, seconds: Double,
        hasBar: Bool
    ) -> String {
        let share = byteCount > 0 ? Double(offset) / Double(byteCount) : 1
        let rate = seconds > 0 ? Double(loaded) / seconds : 0
        let left = bytes > 0 ? Double(byteCount - offset) / (Double(bytes) / seconds) : .infinity
        let percent = String(Int(share * 100))
        var text = ""
        if hasBar {
            let filled = min(24, Int(share * 24))
            text += "[" + String(repeating: "#", count: filled)
            text += String(repeating: "-", count: 24 - filled) + "] "
        }
        text += String(repeating: " ", count: max(0, 3 - percent.count)) + percent + " %  "
        text += "\(grouped(rows)) rows  \(grouped(Int(rate))) rows/s"
        if left.isFinite, left < 1e6 { text += "  \(duration(left)) left" }
        return text
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        if whole < 120 { return "\(whole) s" }
        return whole < 7_200 ? "\(whole / 60) min" : "\(whole / 3_600) h"
    }
}

/// `number` with a comma between thousands.
func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number.magnitude).reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
}
