// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Store

extension KassaV1.ScanReport {
    /// Takes over what a look at the store found, and what is wrong with the artefacts.
    mutating func finish(_ found: Verification, artefacts: [String], at time: Int64) {
        finishedAtUs = time
        entries = found.entries
        damaged = found.refused
        tables = found.tables.map { table in
            KassaV1.ScanTable(
                name: table.name, entries: table.entries, bytes: table.bytes,
                damaged: table.refused, damagedKeys: table.refusedKeys)
        }
        problems =
            found.tables.compactMap { table in
                table.failure.map { "table \(table.name): \($0.message)" }
            } + artefacts
        sound = found.isSound && artefacts.isEmpty
    }
}

extension ArtefactFiles {
    /// What is wrong with the artefacts of `models`, a line each.
    func problems(
        of models: [KassaV1.ModelInfo], isStopped: () -> Bool = { false }
    ) -> [String] {
        var problems: [String] = []
        for info in models where !isStopped() {
            guard let spec = info.spec else { continue }
            do throws(EngineError) {
                _ = try read(digest: spec.sha256)
            } catch {
                problems.append("model \(spec.name)@\(spec.version): \(error.reason)")
            }
        }
        return problems
    }
}
