// SPDX-License-Identifier: Apache-2.0

import Base
import Files
import Glibc
import Models

/// Measures the evaluation of one row beside other engines, on one core, round after round.
struct ModelsBench {
    static let featureCount = 32
    /// Rows that are timed together: few, so that being interrupted spoils few figures.
    static let rowsTimed = 32

    let options: ModelsOptions
    var report: Report

    init(_ options: ModelsOptions) {
        self.options = options
        report = Report(target: "models", commit: options.commit)
    }

    mutating func run() throws {
        print(
            "models: \(options.rounds) rounds of \(options.seconds) s, one thread,",
            report.machine)
        try Machine.pinSelf()
        for shape in options.shapes {
            let folder = "\(options.data)/\(shape)"
            guard Files.exists("\(folder)/model.ubj") else {
                throw BenchError("\(folder) has no models: run `make bench-models`")
            }
            try showLayouts(shape, folder)
            try measure(shape, folder, rows: "random", copies: 1)
            try measure(shape, folder, rows: "real", copies: 1)
            if options.copies > 1 {
                try measure(shape, folder, rows: "random", copies: options.copies)
            }
        }
        report.print()
        try report.write(to: options.output)
        print("\nwritten: \(options.output)")
    }

    /// What each layout takes on this machine, and which one the import chose.
    private func showLayouts(_ shape: String, _ folder: String) throws {
        let rows = try readRows("\(folder)/rows-random.f32")
        for file in ["model.txt", "model.ubj"] {
            let bytes = try Files.read("\(folder)/\(file)", byteCountMax: 1 << 28)
            var parts: [String] = []
            for layout in TreeLayout.allCases {
                let model = try CompiledModel(
                    importing: bytes.span, format: format(file), layout: layout)
                guard model.layout == layout else { continue }
                let time = measure([model], rows, seconds: 0.2).microseconds
                parts.append(
                    "\(layout) \(microseconds(time)) us, \(model.summary.byteCount >> 10) KiB")
            }
            let model = try CompiledModel(importing: bytes.span, format: format(file))
            let chosen = model.layout.map { "\($0)" } ?? ""
            print(
                "\(shape) \(file): \(model.summary.leafCount) leaves of depth",
                "\(model.summary.depth) or less; \(parts.joined(separator: "; ")); chosen: \(chosen)"
            )
        }
        fflush(nil)
    }

    private mutating func measure(
        _ shape: String, _ folder: String, rows kind: String, copies: Int
    ) throws {
        let path = "\(folder)/rows-\(kind).f32"
        let rows = try readRows(path)
        let name = "\(shape), \(kind) rows" + (copies > 1 ? ", \(copies) models" : "")
        var models: [String: [CompiledModel]] = [:]
        for file in ["model.txt", "model.ubj"] {
            let bytes = try Files.read("\(folder)/\(file)", byteCountMax: 1 << 28)
            models[file] = try (0..<copies).map { _ in
                try CompiledModel(importing: bytes.span, format: format(file))
            }
        }
        let peers = try TreePeer.all(options, folder: folder)
        for _ in 0..<options.rounds {
            for peer in peers where peer.command != nil && (peer.canRotate || copies == 1) {
                let ours = measure(
                    models[peer.modelFile] ?? [], rows, seconds: options.seconds)
                let theirs = try peer.measure(
                    rows: path, copies: copies, seconds: options.seconds)
                if let sum = theirs.sum, let tolerance = peer.tolerance,
                    abs(sum - ours.sum) > tolerance * abs(sum)
                {
                    throw BenchError("\(peer.name), \(name): sum \(sum), ours \(ours.sum)")
                }
                report.add(
                    Row(
                        name: name, metric: "row", unit: "us", better: .lower,
                        ours: [ours.microseconds], peer: [theirs.microseconds],
                        peerName: peer.name))
            }
        }
    }

    /// The median time of a row over all groups, and the sum of the first 256 margins.
    private func measure(
        _ models: [CompiledModel], _ rows: [Float], seconds: Double
    ) -> (microseconds: Double, sum: Double) {
        let count = rows.count / Self.featureCount
        var margins = [1 of Double](repeating: 0)
        var predictions = [1 of Double](repeating: 0)
        var marginSpan = margins.mutableSpan
        var predictionSpan = predictions.mutableSpan
        let row = rows.span
        func evaluate(
            _ index: Int, _ margins: inout MutableSpan<Double>,
            _ predictions: inout MutableSpan<Double>
        ) {
            models[index % models.count].evaluate(
                row: row.extracting(
                    index * Self.featureCount..<(index + 1) * Self.featureCount),
                margins: &margins, predictions: &predictions)
        }
        var sum = 0.0
        for index in 0..<256 {
            evaluate(index, &marginSpan, &predictionSpan)
            sum += marginSpan[0]
        }
        var times: [Double] = []
        var index = 0
        let start = MonotonicTime.now()
        repeat {
            let groupStart = MonotonicTime.now()
            for _ in 0..<Self.rowsTimed {
                evaluate(index, &marginSpan, &predictionSpan)
                index = index + 1 == count ? 0 : index + 1
            }
            times.append(
                Double(MonotonicTime.now().nanoseconds(since: groupStart)) / 1_000
                    / Double(Self.rowsTimed))
        } while Double(MonotonicTime.now().nanoseconds(since: start)) < seconds * 1e9
        times.sort()
        return (times[times.count / 2], sum)
    }

    private func format(_ file: String) -> ModelFormat {
        file == "model.txt" ? .lightGBMText : .xgboostUBJ
    }

    private func microseconds(_ value: Double) -> String { Bench.format(value, digits: 2) }

    private func readRows(_ path: String) throws -> [Float] {
        let bytes = try Files.read(path, byteCountMax: 1 << 24)
        // Safe: loads that need no alignment, below the count.
        return unsafe bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                unsafe bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)
            }
        }
    }
}
