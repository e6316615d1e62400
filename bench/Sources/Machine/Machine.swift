// SPDX-License-Identifier: Apache-2.0

import Base
import Glibc

/// What the machine is, and how quiet.
enum Machine {
    /// The core that servers run on.
    static let serverCore = 0
    /// The core that loads them.
    static var clientCore: Int { coreCount > 1 ? 1 : 0 }
    static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Moves this process to the client's core.
    static func pinSelf() throws(BenchError) {
        let child = try ChildProcess(
            ["taskset", "-cp", "\(clientCore)", "\(getpid())"], core: clientCore, log: "/dev/null")
        guard child.waitForSuccess(seconds: 5) else { throw BenchError("taskset failed") }
    }

    /// The processor's name.
    static var processor: String {
        let model = readFile("/proc/cpuinfo").flatMap { text in
            text.split(separator: "\n").first { $0.hasPrefix("model name") }
        }
        return model?.split(separator: ":").last.map { String($0.dropFirst()) } ?? "unknown CPU"
    }

    /// The processor's name, the number of cores and the kernel.
    static var description: String {
        let kernel = readFile("/proc/sys/kernel/osrelease")?.split(separator: "\n").first
        return "\(processor), \(coreCount) cores, Linux \(kernel.map(String.init) ?? "?")"
    }

    /// CPU ticks of all cores since boot: stolen by the host, used by anybody, and all.
    static func ticks() -> (stolen: Double, busy: Double, total: Double) {
        guard let line = readFile("/proc/stat")?.split(separator: "\n").first else {
            return (0, 0, 0)
        }
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard fields.count == 8 else { return (0, 0, 0) }
        let total = fields.reduce(0, +)
        return (fields[7], total - fields[3] - fields[4], total)
    }

    /// How fast this core computes now: rounds of a fixed loop per microsecond, for 5 ms.
    static func calibrate() -> Double {
        var generator = SeededGenerator(seed: 1)
        var sum: UInt64 = 0
        var rounds = 0
        let start = MonotonicTime.now()
        var end = start
        repeat {
            for _ in 0..<1_000 { sum ^= generator.next() }
            rounds += 1_000
            end = .now()
        } while end.nanoseconds(since: start) < 5_000_000
        // Never true, but the compiler cannot know.
        if sum == 0 { return 0 }
        return Double(rounds) * 1_000 / Double(end.nanoseconds(since: start))
    }

    /// A port of the loopback interface on which nobody listens.
    static func freePort() throws(BenchError) -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError("no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safe: a sockaddr_in begins as a sockaddr does, and `size` says how long it is.
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, size) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard isBound else { throw BenchError("no free port") }
        return UInt16(bigEndian: address.sin_port)
    }
}
