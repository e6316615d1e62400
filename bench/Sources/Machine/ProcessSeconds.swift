// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The CPU time that a process and the children it has waited for have used so far, in steps of a
/// clock tick (10 ms).
func processSeconds(_ process: Int32) -> Double? {
    guard let text = readFile("/proc/\(process)/stat") else { return nil }
    // The command's name stands in parentheses and may hold anything.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[end...].split(separator: " ")
    guard fields.count > 15 else { return nil }
    let ticks = fields[12..<16].compactMap { Double($0) }.reduce(0, +)
    return ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
}
