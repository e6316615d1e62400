// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features

/// The comparisons that a generation must pass before it serves.
struct GenerationGates {
    private static let rowsMin: UInt64 = 1
    private static let rowChangeMax = 0.3
    private static let nullRiseMax = 0.1
    private static let duplicateShareMax = 0.01
    private static let psiMax = 0.25

    let new: GenerationProfile
    let serving: GenerationProfile
    let progress: KassaStorageV1.StoredLoadProgress
    let limits: KassaV1.GenerationLimits

    /// Refuses limits that compare with nothing.
    static func check(_ limits: KassaV1.GenerationLimits) throws(EngineError) {
        let shares: [(String, Double?)] = [
            ("row_change_max", limits.rowChangeMax), ("null_rise_max", limits.nullRiseMax),
            ("duplicate_share_max", limits.duplicateShareMax), ("psi_max", limits.psiMax),
        ]
        for (name, value) in shares where !(value ?? 0).isFinite || (value ?? 0) < 0 {
            throw EngineError(.invalidArgument, "limits.\(name): must be a number from 0 on")
        }
    }

    /// All comparisons, those about all rows first.
    var all: [KassaV1.GenerationGate] {
        [rowsGate, changeGate, duplicateGate, damageGate] + nullGates + psiGates
    }

    private static func gate(
        _ name: String, feature: String = "", _ value: Double, atMost limit: Double,
        _ detail: String
    ) -> KassaV1.GenerationGate {
        KassaV1.GenerationGate(
            gate: name, feature: feature, value: value, limit: limit, passed: value <= limit,
            detail: detail)
    }

    private var rowsGate: KassaV1.GenerationGate {
        let limit = limits.rowsMin ?? Self.rowsMin
        return KassaV1.GenerationGate(
            gate: "rows_min", value: Double(new.rows), limit: Double(limit),
            passed: new.rows >= limit, detail: "\(new.rows) rows")
    }

    private var changeGate: KassaV1.GenerationGate {
        let limit = limits.rowChangeMax ?? Self.rowChangeMax
        guard serving.rows > 0 else {
            return Self.gate("row_change", 0, atMost: limit, "no rows serve yet")
        }
        let change = abs(Double(new.rows) - Double(serving.rows)) / Double(serving.rows)
        return Self.gate(
            "row_change", change, atMost: limit, "\(new.rows) rows, \(serving.rows) serve")
    }

    private var duplicateGate: KassaV1.GenerationGate {
        let share =
            progress.rowsLoaded == 0
            ? 0 : Double(progress.duplicateKeys) / Double(progress.rowsLoaded)
        return Self.gate(
            "duplicate_share", share, atMost: limits.duplicateShareMax ?? Self.duplicateShareMax,
            "\(progress.duplicateKeys) of \(progress.rowsLoaded) rows loaded repeat a key")
    }

    private var damageGate: KassaV1.GenerationGate {
        Self.gate(
            "damaged_rows", Double(new.damagedRows), atMost: 0,
            "\(new.damagedRows) rows cannot be read")
    }

    private var nullGates: [KassaV1.GenerationGate] {
        let limit = limits.nullRiseMax ?? Self.nullRiseMax
        return new.version.features.indices.map { feature in
            let name = new.version.features[feature].name
            guard serving.rows > 0 else {
                return Self.gate("null_rise", feature: name, 0, atMost: limit, "no rows serve yet")
            }
            let (after, before) = (new.missingShare(feature), serving.missingShare(feature))
            return Self.gate(
                "null_rise", feature: name, after - before, atMost: limit,
                "\(Self.percent(after)) without a value, \(Self.percent(before)) of those that serve"
            )
        }
    }

    private var psiGates: [KassaV1.GenerationGate] {
        let limit = limits.psiMax ?? Self.psiMax
        return new.version.features.indices.compactMap { feature in
            let definition = new.version.features[feature]
            let (after, before) = (new.samples[feature], serving.samples[feature])
            guard !after.isEmpty || !before.isEmpty else { return nil }
            let least = EngineLimits.sampleValuesMin
            guard after.count >= least, before.count >= least else {
                return Self.gate(
                    "psi", feature: definition.name, 0, atMost: limit,
                    "not judged: \(after.count) and \(before.count) values are too few")
            }
            return Self.gate(
                "psi", feature: definition.name,
                PopulationStability.index(of: after, against: before), atMost: limit,
                "\(after.count) values against \(before.count)")
        }
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1_000).rounded())
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
