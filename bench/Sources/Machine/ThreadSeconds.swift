// SPDX-License-Identifier: Apache-2.0

import Files

/// The CPU time that the threads called `name` of a process have used so far, to the nanosecond.
func threadSeconds(_ process: Int32, _ name: String) -> Double {
    let folder = "/proc/\(process)/task"
    var seconds = 0.0
    for thread in (try? Files.names(in: folder)) ?? [] {
        guard readFile("\(folder)/\(thread)/comm") == name + "\n",
            let text = readFile("\(folder)/\(thread)/schedstat"),
            let nanoseconds = text.split(separator: " ").first.flatMap({ Double($0) })
        else { continue }
        seconds += nanoseconds / 1e9
    }
    return seconds
}
