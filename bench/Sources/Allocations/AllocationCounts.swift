// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The counters that `Tests/allocations/count.c` keeps of a process.
struct AllocationCounts {
    static let names = [
        "malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign",
    ]
    /// The word that asks for stacks.
    private static let tracesOffset = 7 * 8

    /// Calls since the process began, in the order of ``names``.
    let calls: [UInt64]

    init(path: String) throws(BenchError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw BenchError("no counts in \(path)") }
        defer { close(file) }
        var words = [UInt64](repeating: 0, count: Self.names.count)
        // Safe: the array has room for what is asked for.
        let count = unsafe words.withUnsafeMutableBytes {
            unsafe pread(file, $0.baseAddress, $0.count, 0)
        }
        guard count == 8 * Self.names.count else { throw BenchError("no counts in \(path)") }
        calls = words
    }

    /// Has the process report the stacks of its next `count` allocations.
    static func trace(_ count: UInt64, path: String) {
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        var word = count
        _ = unsafe pwrite(file, &word, 8, off_t(tracesOffset))
        close(file)
    }

    /// JSON of how much more is in `later`.
    func json(until later: AllocationCounts) -> String {
        let fields = Self.names.indices.map {
            "\(quoted(Self.names[$0])): \(later.calls[$0] - calls[$0])"
        }
        return "{\(fields.joined(separator: ", "))}"
    }
}
