// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The basics that Prometheus expects of every process, read from `/proc` at each scrape.
///
/// What cannot be read is left out, so that a hardened `/proc` costs samples and not the scrape.
package struct ProcessMetrics: MetricSource {
    /// The metrics of this process.
    package init() {}

    private static let cpu = MetricFamily(
        .counter, "process_cpu_seconds_total", help: "User and system CPU time.")
    private static let residentMemory = MetricFamily(
        .gauge, "process_resident_memory_bytes", help: "Resident memory.")
    private static let virtualMemory = MetricFamily(
        .gauge, "process_virtual_memory_bytes", help: "Virtual memory.")
    private static let startTime = MetricFamily(
        .gauge, "process_start_time_seconds", help: "Start of the process since the Unix epoch.")
    private static let threads = MetricFamily(
        .gauge, "process_threads", help: "Threads of the process.")
    private static let openDescriptors = MetricFamily(
        .gauge, "process_open_fds", help: "Open file descriptors.")
    private static let descriptorsMax = MetricFamily(
        .gauge, "process_max_fds", help: "File descriptors that may be open.")

    /// What is told of a process.
    package var families: [MetricFamily] {
        [
            Self.cpu, Self.residentMemory, Self.virtualMemory, Self.startTime, Self.threads,
            Self.openDescriptors, Self.descriptorsMax,
        ]
    }

    /// Reads `/proc/self` anew.
    package func collect(into snapshot: inout MetricSnapshot) {
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        if let stat = Self.file("/proc/self/stat").flatMap(ProcessStat.init(text:)) {
            snapshot.add(Self.cpu, number: Double(stat.cpuTicks) / ticks)
            snapshot.add(Self.virtualMemory, count: stat.virtualBytes)
            let pageBytes = UInt64(clamping: sysconf(Int32(_SC_PAGESIZE)))
            snapshot.add(Self.residentMemory, count: stat.residentPages &* pageBytes)
            snapshot.add(Self.threads, count: stat.threads)
            if let bootTime = Self.file("/proc/stat").flatMap(ProcessStat.bootTime(text:)) {
                let start = Double(bootTime) + Double(stat.startTicks) / ticks
                snapshot.add(Self.startTime, number: start)
            }
        }
        if let count = Self.openDescriptorCount() {
            snapshot.add(Self.openDescriptors, count: count)
        }
        var limit = rlimit()
        // Safe: the pointer is to a local and does not outlive the call.
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            snapshot.add(Self.descriptorsMax, count: UInt64(limit.rlim_cur))
        }
    }

    /// The first 256 KiB of a file of `/proc`, or nil if it cannot be read.
    private static func file(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        var filled = 0
        while filled < bytes.count {
            // Safe: the buffer is the rest of the array, and read writes at most its length.
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            }
            if got < 0 { return nil }
            if got == 0 { break }
            filled += got
        }
        return String(decoding: bytes[..<filled], as: UTF8.self)
    }

    /// Entries of `/proc/self/fd`, without the one that the counting itself opens.
    private static func openDescriptorCount() -> UInt64? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe _ = closedir(directory) }
        var count: UInt64 = 0
        // Safe: the entry is only looked at before the next call.
        while let entry = unsafe readdir(directory) {
            if unsafe entry.pointee.d_name.0 != 0x2E { count += 1 }
        }
        return count > 0 ? count - 1 : nil
    }
}
