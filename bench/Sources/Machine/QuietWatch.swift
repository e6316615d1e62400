// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Watches from now on how much time others take on this machine.
struct QuietWatch {
    private let ours: [Int32]
    private let speed: Double
    private let ticks: (stolen: Double, busy: Double, total: Double)
    private let seconds: Double

    /// The processes `ours` belong to the measurement.
    init(_ ours: [Int32]) {
        self.ours = ours
        speed = Machine.calibrate()
        ticks = Machine.ticks()
        seconds = Self.seconds(ours)
    }

    func end() -> Quiet {
        let now = Machine.ticks()
        let total = max(1, now.total - ticks.total)
        let used = (Self.seconds(ours) - seconds) * Double(sysconf(Int32(_SC_CLK_TCK)))
        let stolen = (now.stolen - ticks.stolen) / total
        let others = (now.busy - ticks.busy - used) / total - stolen
        return Quiet(
            stolen: stolen, others: max(0, others), speeds: [speed, Machine.calibrate()])
    }

    private static func seconds(_ processes: [Int32]) -> Double {
        processes.reduce(0) { $0 + (processSeconds($1) ?? 0) }
    }
}
