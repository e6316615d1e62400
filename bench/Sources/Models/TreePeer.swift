// SPDX-License-Identifier: Apache-2.0

import Files

/// Another engine, measured by `TreePeers` in a process of its own.
struct TreePeer {
    var name: String
    /// The model that both sides evaluate.
    var modelFile: String
    /// What one measurement starts; nil if the engine is not installed or does not take the model.
    var command: [String]?
    /// What our sum of 256 margins may differ by, relative to theirs; nil if they have another model.
    var tolerance: Double?
    /// Whether it can be asked to evaluate many models in turn.
    var canRotate = true

    /// The peers for the models of one folder.
    static func all(
        _ options: ModelsOptions, folder: String
    ) throws -> [TreePeer] {
        let packages = try sitePackages(options.environment)
        let program = try programBeside("TreePeers")
        func library(_ path: String) -> String? {
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            let directory = String(path.dropLast(name.count + 1))
            return try? Files.names(in: directory).first {
                $0.hasPrefix(name) && !$0.hasSuffix(".failed")
            }
            .map { "\(directory)/\($0)" }
        }
        func peer(
            _ name: String, _ engine: String, _ file: String, _ path: String, _ tolerance: Double
        ) -> TreePeer {
            TreePeer(
                name: name, modelFile: file,
                command: library(path).map { [program, engine, $0, folder] },
                tolerance: tolerance)
        }
        return [
            peer(
                "LightGBM SingleRowFast", "lightgbm", "model.txt",
                "\(packages)/lightgbm/lib/lib_lightgbm.so", 1e-12),
            peer(
                "XGBoost inplace", "xgboost", "model.ubj",
                "\(packages)/xgboost/lib/libxgboost.so", 1e-7),
            peer(
                "ONNX Runtime", "onnxruntime", "model.txt",
                "\(packages)/onnxruntime/capi/libonnxruntime.so", 1e-3),
            peer("tl2cgen", "tl2cgen", "model.txt", "\(folder)/libtl2cgen.so", 1e-9),
            peer("lleaves", "lleaves", "model.txt", "\(folder)/liblleaves.so", 1e-9),
            TreePeer(
                name: "YDF, batches of 100", modelFile: "model.txt",
                command: Files.exists("\(folder)/ydf")
                    ? [
                        "\(options.environment)/bin/python", "bench/models/measure_ydf.py",
                        "\(folder)/ydf",
                    ] : nil,
                canRotate: false),
        ]
    }

    /// Microseconds per row, and the sum of the first 256 margins if they are of our model.
    func measure(
        rows: String, copies: Int, seconds: Double
    ) throws -> (microseconds: Double, sum: Double?) {
        guard let command else { throw BenchError("\(name) is not installed") }
        let folder = try TemporaryFolder()
        let log = "\(folder.path)/log"
        // Libraries that start threads of their own wait for them by spinning.
        let words =
            ["env", "OMP_NUM_THREADS=1"] + command + [rows] + (canRotate ? ["\(copies)"] : []) + [
                "\(seconds)"
            ]
        let child = try ChildProcess(words, core: Machine.clientCore, log: log)
        let isDone = child.waitForSuccess(seconds: 900)
        let text = readFile(log) ?? ""
        guard isDone else { throw BenchError("\(name): \(text)") }
        var values: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 { values[parts[0]] = Double(parts[1]) }
        }
        guard let microseconds = values["us"] else { throw BenchError("\(name): \(text)") }
        return (microseconds, tolerance == nil ? nil : values["sum"])
    }

    private static func sitePackages(_ environment: String) throws -> String {
        let folder = "\(environment)/lib"
        guard let python = try Files.names(in: folder).first(where: { $0.hasPrefix("python") })
        else { throw BenchError("\(folder) has no Python") }
        return "\(folder)/\(python)/site-packages"
    }
}
