// SPDX-License-Identifier: Apache-2.0

/// The fields of `/proc/<pid>/stat` that metrics need (proc(5)).
struct ProcessStat {
    /// User and system time in clock ticks.
    let cpuTicks: UInt64
    let threads: UInt64
    /// Clock ticks from the machine's boot to the start of the process.
    let startTicks: UInt64
    let virtualBytes: UInt64
    let residentPages: UInt64

    /// Nil if `text` is not such a line.
    init?(text: String) {
        // The second field is the name in parentheses, which may itself hold spaces and parentheses.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(whereSeparator: \.isWhitespace)
        // Field 3 of the manual page is the first here.
        func field(_ number: Int) -> UInt64? {
            fields.indices.contains(number - 3) ? UInt64(fields[number - 3]) : nil
        }
        guard let user = field(14), let system = field(15), let threads = field(20),
            let start = field(22), let virtualBytes = field(23), let residentPages = field(24)
        else { return nil }
        cpuTicks = user &+ system
        self.threads = threads
        startTicks = start
        self.virtualBytes = virtualBytes
        self.residentPages = residentPages
    }

    /// The machine's boot time in seconds since the Unix epoch, from `/proc/stat`.
    static func bootTime(text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix("btime ") {
            return UInt64(line.dropFirst(6))
        }
        return nil
    }
}
