// SPDX-License-Identifier: Apache-2.0

import Files

/// LMDB in C without a server, on the server's core: what the store's work costs at the least.
struct RawLMDB {
    static let name = "raw LMDB"
    /// As many bytes as a row of 32 float32 has in Kassa: 32 of header, 8 of presence, the values.
    static let valueBytes = 168

    private let program: String
    private let folder: TemporaryFolder
    private let rowCount: Int

    init(program: String?, rows: Int) throws {
        self.program = try program ?? programBeside("RawLMDB")
        folder = try TemporaryFolder()
        rowCount = rows
    }

    /// Rows per second that a bulk load into a new file reaches, CPU microseconds of a row, and the bytes
    /// of that file.
    ///
    /// The files named `name` are then there for ``get(_:count:seconds:)`` and ``put(_:group:isDurable:seconds:)``.
    func fill(
        _ name: String, rows: Int? = nil, valueBytes: Int = valueBytes
    ) throws -> (rate: Double, cpu: Double, bytes: Double) {
        try Files.makeFolder("\(folder.path)/\(name)")
        let values = try run(name, ["fill", "\(rows ?? rowCount)", "\(valueBytes)"])
        return (
            try values.value("rate"), try values.value("cpu"), try values.value("bytes")
        )
    }

    /// How long it takes to read `count` random rows.
    func get(
        _ name: String, rows: Int? = nil, count: Int, seconds: Double
    ) throws -> (rate: Double, p50: Double, p99: Double, cpu: Double) {
        let values = try run(name, ["get", "\(rows ?? rowCount)", "\(count)", "\(seconds)"])
        return (
            try values.value("rate"), try values.value("p50"), try values.value("p99"),
            try values.value("cpu")
        )
    }

    /// Rows per second, and CPU microseconds of a row, when `group` random rows are overwritten in each transaction.
    func put(
        _ name: String, group: Int, isDurable: Bool, seconds: Double
    ) throws -> (rate: Double, cpu: Double) {
        let words = [
            "put", "\(rowCount)", "\(Self.valueBytes)", "\(group)", "\(seconds)",
            isDurable ? "durable" : "fast",
        ]
        let values = try run(name, words)
        return (try values.value("rate"), try values.value("cpu"))
    }

    private func run(_ name: String, _ words: [String]) throws -> [String: Double] {
        let log = "\(folder.path)/log"
        let child = try ChildProcess(
            [program, "\(folder.path)/\(name)"] + words, core: Machine.serverCore, log: log)
        let isDone = child.waitForSuccess(seconds: 120)
        let text = readFile(log) ?? ""
        guard isDone else { throw BenchError("RawLMDB \(words.joined(separator: " ")): \(text)") }
        var values: [String: Double] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 { values[String(parts[0])] = Double(parts[1]) }
        }
        return values
    }
}

extension [String: Double] {
    /// The value of `name`, which must be there.
    fileprivate func value(_ name: String) throws(BenchError) -> Double {
        guard let value = self[name] else { throw BenchError("RawLMDB printed no \(name)") }
        return value
    }
}
