// SPDX-License-Identifier: Apache-2.0

internal import Base
internal import Features
internal import Store

/// What the rows of a generation look like: how many, how many values are missing, and a sample of the
/// numbers of each feature.
struct GenerationProfile {
    let version: FeatureSetVersion
    private(set) var rows: UInt64 = 0
    private(set) var damagedRows: UInt64 = 0
    /// For each feature the rows without a value.
    private(set) var missing: [UInt64]
    /// For each feature up to ``EngineLimits/sampleValuesMax`` values, each row equally likely.
    private(set) var samples: [[Double]]
    private var values: [UInt64]
    private var generator = SeededGenerator(seed: 1)

    init(_ version: FeatureSetVersion) {
        self.version = version
        missing = Array(repeating: 0, count: version.features.count)
        samples = Array(repeating: [], count: version.features.count)
        values = missing
    }

    /// The share of rows without a value of a feature.
    func missingShare(_ feature: Int) -> Double {
        rows == 0 ? 0 : Double(missing[feature]) / Double(rows)
    }

    /// Looks at all rows, a bounded number under each snapshot.
    static func of(
        _ range: RowRange, _ set: FeatureSet, in environment: Environment
    ) throws(StoreError) -> GenerationProfile {
        var profile = GenerationProfile(set.newest)
        var transaction = try environment.makeReadTransaction()
        var start: [UInt8]?
        repeat {
            try transaction.renew()
            start = try range.visit(
                in: transaction, from: start, takenMax: EngineLimits.visitedRowsMax
            ) { _, row in profile.add(row, of: set) }
        } while start != nil
        return profile
    }

    private mutating func add(_ bytes: Span<UInt8>, of set: FeatureSet) {
        rows += 1
        guard let row = try? RowView(verifying: bytes, of: set) else {
            damagedRows += 1
            for feature in missing.indices { missing[feature] += 1 }
            return
        }
        for feature in missing.indices {
            let column = Int(version.columnIDs[feature])
            guard row.presence(ofColumn: column) == .present else {
                missing[feature] += 1
                continue
            }
            let bits = row.bits(ofColumn: column)
            switch version.features[feature].type {
            case .float32:
                sample(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))), feature)
            case .float64: sample(Double(bitPattern: bits), feature)
            case .int64: sample(Double(Int64(bitPattern: bits)), feature)
            case .bool: sample(bits == 0 ? 0 : 1, feature)
            default: break
            }
        }
    }

    /// Algorithm R: every value is in the sample with the same chance.
    private mutating func sample(_ value: Double, _ feature: Int) {
        guard value.isFinite else { return }
        values[feature] += 1
        if samples[feature].count < EngineLimits.sampleValuesMax {
            samples[feature].append(value)
        } else {
            let place = generator.next() % values[feature]
            if place < UInt64(EngineLimits.sampleValuesMax) { samples[feature][Int(place)] = value }
        }
    }
}
