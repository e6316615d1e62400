// SPDX-License-Identifier: Apache-2.0

internal import Alarms
internal import Glibc
internal import Metrics
internal import Synchronization

/// How alarms are written on standard error.
package enum AlarmText: String, CaseIterable, Sendable {
    /// Sentences on a terminal, JSON for all else.
    case auto
    /// A line of JSON each, for programs that collect logs.
    case json
    /// Sentences, for people.
    case text
}

/// Writes alarms on standard error, one line each, without ever waiting long for whoever reads them.
final class AlarmLog: Sendable {
    /// How long a reader that does not read is waited for, per line.
    static let waitMilliseconds: Int32 = 100

    private let dropped = Atomic<UInt64>(0)
    private let isForPeople: Bool

    init(_ text: AlarmText = .auto) {
        isForPeople = text == .text || text == .auto && isatty(STDERR_FILENO) == 1
    }

    /// Writes a line with an alarm: its encoding, or for people a sentence.
    func write(_ alarm: Alarm, encoded: [UInt8]) {
        if isForPeople {
            write(line: Self.broken(Array("kassa: alarm, ".utf8) + alarm.sentence))
        } else {
            write(line: Array("kassa: alarm ".utf8) + encoded)
        }
    }

    /// A line broken at spaces where it is longer than the terminal; as it is, if there is none.
    private static func broken(_ line: [UInt8]) -> [UInt8] {
        var size = winsize()
        // Safe: writes to a local.
        guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40 else {
            return line
        }
        var pieces: [UInt8] = []
        var column = 0
        for word in line.split(separator: UInt8(ascii: " ")) {
            if column > 0, column + 1 + word.count > Int(size.ws_col) {
                pieces += "\n    ".utf8
                column = 4
            } else if column > 0 {
                pieces.append(UInt8(ascii: " "))
                column += 1
            }
            pieces += word
            column += word.count
        }
        return pieces
    }

    /// Writes a line about the webhook.
    func write(_ text: String) {
        write(line: Array("kassa: \(text)".utf8))
    }

    /// A pipe that has room at all takes PIPE_BUF (4,096) bytes at once, which a line never exceeds: so neither
    /// the write blocks nor does another thread's line come in between.
    private func write(line: [UInt8]) {
        let line = line + [UInt8(ascii: "\n")]
        var descriptor = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        // Safe: the pointers are to a local and to an array during the calls.
        let isWritable =
            unsafe poll(&descriptor, 1, Self.waitMilliseconds) == 1
            && descriptor.revents & Int16(POLLOUT) != 0
        let written = isWritable ? unsafe Glibc.write(STDERR_FILENO, line, line.count) : -1
        if written != line.count { dropped.wrappingAdd(1, ordering: .relaxed) }
    }
}

extension AlarmLog: MetricSource {
    private static let family = MetricFamily(
        .counter, "kassa_alarm_log_lines_dropped_total",
        help: "Lines about alarms and the webhook that standard error did not take.")

    var families: [MetricFamily] { [Self.family] }

    func collect(into snapshot: inout MetricSnapshot) {
        snapshot.add(Self.family, count: dropped.load(ordering: .relaxed))
    }
}
