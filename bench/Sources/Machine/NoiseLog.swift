// SPDX-License-Identifier: Apache-2.0

/// How quiet the machine was while measurements were made, and the repeating of noisy ones.
final class NoiseLog {
    let repeatsMax: Int
    private var quiets: [Quiet] = []
    private var repeats = 0

    init(repeatsMax: Int) {
        self.repeatsMax = repeatsMax
    }

    /// Measures, again if the host or processes other than `ours` took time away meanwhile.
    func quietly<Result>(
        _ ours: [Int32], _ measure: () throws -> Result
    ) throws -> Result {
        for attempt in 0... {
            let watch = QuietWatch(ours)
            let result = try measure()
            let quiet = watch.end()
            quiets.append(quiet)
            if quiet.isQuiet || attempt == repeatsMax { return result }
            repeats += 1
        }
        fatalError("the loop above ends by returning")
    }

    func print() {
        let speeds = quiets.flatMap(\.speeds).sorted()
        let stolen = quiets.map(\.stolen).max() ?? 0
        let others = quiets.map(\.others).sorted()
        Swift.print(
            "\nnoise: stolen by the host at most \(format(stolen * 100)) %;",
            "used by other processes \(format(median(others) * 100)) % (median)",
            "to \(format((others.last ?? 0) * 100)) %;",
            "calibration \(format(speeds.first ?? 0))-\(format(speeds.last ?? 0)) rounds/us;",
            "\(repeats) measurements repeated")
    }
}
