// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Features
internal import Rollout
internal import Store
internal import Wire

/// Says of each entry of the store whether its bytes are what was written.
///
/// Rows are told by their checksums and the layouts of their feature sets, documents by being readable.
/// It learns feature sets and models from the entries themselves, so `resources` should come first.
struct EntryCheck {
    private var sets: [UInt32: FeatureSet] = [:]
    /// Models that were seen, for their artefacts.
    private(set) var models: [KassaV1.ModelInfo] = []
    /// Gives the feature sets in force: a running server may get new ones while it is looked through.
    private let reload: () -> FeatureCatalog?
    /// Rows that were seen.
    private(set) var rowCount: UInt64 = 0

    init(reload: @escaping () -> FeatureCatalog? = { nil }) {
        self.reload = reload
        learn()
    }

    private mutating func learn() {
        for set in reload()?.sets.values.map({ $0 }) ?? [] { sets[set.id] = set }
    }

    /// Whether the entry of `table` is sound.
    mutating func accepts(_ table: String, _ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        switch table {
        case "rows": return isRow(key, value)
        case "history":
            guard let rowKey = HistoryKey.rowKey(of: key) else { return false }
            return isRow(rowKey, value)
        case "tombstones": return (try? Tombstone(value)) != nil
        case "write_ids": return isWriteID(key, value)
        case "resources": return isResource(key, value)
        case "bundles":
            guard let model = try? KassaStorageV1.StoredModel(decoding: value),
                let info = model.info, info.spec != nil
            else { return false }
            models.append(info)
            return true
        case "audit": return (try? KassaStorageV1.AuditRecord(decoding: value)) != nil
        case "scores": return ScoreID(bytes: key).flatMap { KeptScore(value, id: $0) } != nil
        case "calibrations":
            return key.count == 4
                ? LaneState(value) != nil : (try? SlotCalibration(decoding: value)) != nil
        case "rollouts": return RolloutKey.accepts(key, value)
        // The rows of a generation.
        default: return !table.hasPrefix("generation-") || isRow(key, value)
        }
    }

    private mutating func isRow(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        rowCount += 1
        guard let view = RowKeyView(key) else { return false }
        switch damage(of: value, set: view.setID) {
        case nil: return true
        case .damaged: return false
        case .unknownLayout:
            learn()
            return damage(of: value, set: view.setID) == nil
        }
    }

    private func damage(of row: Span<UInt8>, set: UInt32) -> RowDamage? {
        guard let set = sets[set] else { return .unknownLayout }
        do throws(RowDamage) {
            _ = try RowView(verifying: row, of: set)
            return nil
        } catch {
            return error
        }
    }

    /// An entry for the order of forgetting has no value; a record has its checksum in front.
    private func isWriteID(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        if key[0] == WriteIDExpiry.prefix[0] { return true }
        guard value.count > 4 else { return false }
        return readInteger(value.extracting(first: 4))
            == UInt64(CRC32C.checksum(value.extracting(droppingFirst: 4)))
    }

    /// The kind of a resource is in its key, up to the slash; one of a newer release is let be.
    private mutating func isResource(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        let slash = key.indices.first { key[$0] == UInt8(ascii: "/") } ?? key.count
        switch String(decoding: (0..<slash).map { key[$0] }, as: UTF8.self) {
        case ResourceKind.featureSet:
            guard let set = try? FeatureSet(state: value) else { return false }
            sets[set.id] = set
            return true
        case ResourceKind.scorer:
            return (try? KassaStorageV1.StoredScorer(decoding: value)) != nil
        case ResourceKind.modelNumber:
            return value.count == 8
                && readInteger(value) <= UInt64(EngineLimits.modelVersionMax)
        case ResourceKind.generations:
            return (try? KassaStorageV1.StoredGenerations(decoding: value)) != nil
        case ResourceKind.loadProgress:
            return (try? KassaStorageV1.StoredLoadProgress(decoding: value)) != nil
        case ResourceKind.discard:
            return (try? KassaStorageV1.StoredDiscard(decoding: value)) != nil
        default:
            return true
        }
    }
}
