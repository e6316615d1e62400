// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What was measured, when and on what: without it a figure says nothing.
struct Provenance {
    /// The hash of the commit, with "-dirty" if files differ from it; "unknown" without a repository.
    let commit: String
    /// When the run began: "2026-11-20T19:43:16Z".
    let date: String
    /// The processor's name.
    let cpu: String
    /// Processor, cores and kernel in words.
    let machine: String

    /// As of now; `commit` if the caller knows it better than the folder that this runs in.
    init(commit: String?) {
        self.commit = commit ?? Self.checkedOut ?? "unknown"
        date = Self.text(of: time(nil))
        cpu = Machine.processor
        machine = Machine.description
    }

    private static var checkedOut: String? {
        guard let head = output(["git", "rev-parse", "HEAD"]), head.utf8.count >= 40 else {
            return nil
        }
        // Files that git does not know are not what was built, but for those of Sources.
        let changes = output(["git", "status", "--porcelain", "--untracked-files=normal"])
        return changes?.isEmpty == true ? head : head + "-dirty"
    }

    /// What a program prints, without the last line's end; nil if it fails.
    private static func output(_ words: [String]) -> String? {
        guard let folder = try? TemporaryFolder() else { return nil }
        let log = "\(folder.path)/output"
        guard
            let process = try? ChildProcess(words, core: Machine.clientCore, log: log),
            process.waitForSuccess(seconds: 20)
        else { return nil }
        var text = readFile(log) ?? ""
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }

    /// Seconds since 1970 as ISO 8601 has them, in UTC.
    static func text(of seconds: Int) -> String {
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        // Years begin with March, so that the leap day is the last one; 400 of them have 146,097 days.
        let shifted = days + 719_468
        let (era, day) = (shifted / 146_097, shifted % 146_097)
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let words = [
            "\(era * 400 + year + (month >= 10 ? 1 : 0))", two(month < 10 ? month + 3 : month - 9),
            two(dayOfYear - (153 * month + 2) / 5 + 1),
        ]
        let clock = [rest / 3_600, rest / 60 % 60, rest % 60].map(two)
        return "\(words.joined(separator: "-"))T\(clock.joined(separator: ":"))Z"
    }
}
