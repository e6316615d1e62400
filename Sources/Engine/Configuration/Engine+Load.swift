// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Models
internal import Store
internal import Wire

/// The kinds of document, as keys and plans name them.
enum ResourceKind {
    static let featureSet = "feature_set"
    static let scorer = "scorer"
    /// No document: the highest version that a model's name has had.
    static let modelNumber = "model_number"
    static let generations = "generations"
    static let loadProgress = "load_progress"
    static let discard = "discard"

    /// The key of a resource in the table of resources.
    static func key(_ kind: String, _ name: String) -> [UInt8] {
        Array("\(kind)/\(name)".utf8)
    }
}

/// Where the number of the configuration in force is kept, in the table `meta`.
let epochKey = Array("engine.epoch".utf8)

extension Engine {
    /// The configuration that the store holds; every artefact is verified and compiled again,
    /// and its golden rows are run. A model that fails them is loaded and not served.
    ///
    /// - Parameter retreats: what is in force though the store has not got it.
    static func load(
        _ environment: Environment, _ tables: EngineTables, _ artefacts: ArtefactFiles,
        retreats: [KassaStorageV1.StoredRetreat] = []
    ) throws(EngineError) -> Configuration {
        var stored: StoredConfiguration
        do throws(StoreError) {
            stored = try environment.read { transaction throws(StoreError) in
                try StoredConfiguration(transaction, tables, meta: environment.meta)
            }
        } catch {
            throw EngineError(error)
        }
        if let damage = stored.damage {
            throw EngineError(.dataLoss, "\(damage); restore a snapshot of the data folder")
        }
        for retreat in retreats { stored.take(retreat) }
        let catalog: FeatureCatalog
        do throws(FeatureSetStateError) {
            catalog = try FeatureCatalog(stored.featureSets)
        } catch {
            throw EngineError(.dataLoss, "the stored feature sets contradict each other")
        }
        var models: [String: [Model]] = [:]
        for info in stored.models {
            guard let spec = info.spec else { continue }
            let bytes = try artefacts.read(digest: spec.sha256)
            guard let format = ModelFormat(spec.format) else {
                throw EngineError(
                    .dataLoss,
                    "model \(spec.name)@\(spec.version): its format is of a newer release")
            }
            let compiled: CompiledModel
            do throws(ImportError) {
                compiled = try CompiledModel(importing: bytes.span, format: format)
            } catch {
                throw EngineError(
                    .dataLoss, "model \(spec.name)@\(spec.version): \(error.description)")
            }
            models[spec.name, default: []].append(
                try Model(stored: info, compiled: compiled, features: catalog))
        }
        // What a crash between a commit and its file left behind; of no use to anybody.
        artefacts.removeAll(except: stored.models.compactMap { $0.spec?.sha256 })
        var modelNumbers = stored.modelNumbers
        for name in models.keys {
            models[name]?.sort { ($0.info.spec?.version ?? 0) < ($1.info.spec?.version ?? 0) }
            let newest = models[name]?.last?.info.spec?.version ?? 0
            modelNumbers[name] = max(modelNumbers[name] ?? 0, newest)
        }
        let found = models
        let rollouts = RolloutBook(
            stored.slots, stored.quarantine, scorers: stored.scorers,
            model: { Configuration.model($0, in: found) })
        return try Configuration(
            epoch: stored.epoch, features: catalog, models: models, modelNumbers: modelNumbers,
            scorerSpecs: stored.scorers, places: try RowPlaces(stored.generations, tables),
            rollouts: rollouts)
    }
}

/// What the tables of configuration hold, decoded.
private struct StoredConfiguration {
    var epoch: UInt64 = 0
    var featureSets: [FeatureSet] = []
    var scorers: [KassaV1.ScorerSpec] = []
    var models: [KassaV1.ModelInfo] = []
    var modelNumbers: [String: UInt32] = [:]
    var generations: [KassaStorageV1.StoredGenerations] = []
    var slots: [KassaStorageV1.StoredSlots] = []
    var quarantine: [KassaStorageV1.StoredQuarantine] = []
    /// What cannot be read, if anything.
    var damage: String?

    init(
        _ transaction: borrowing ReadTransaction, _ tables: EngineTables, meta: Table
    ) throws(StoreError) {
        if let bytes = try transaction.value(forKey: epochKey.span, in: meta) {
            epoch = readInteger(bytes)
        }
        var featureSets: [FeatureSet] = []
        var scorers: [KassaV1.ScorerSpec] = []
        var models: [KassaV1.ModelInfo] = []
        var modelNumbers: [String: UInt32] = [:]
        var generations: [KassaStorageV1.StoredGenerations] = []
        var damage: String?
        let sets = ResourceKind.key(ResourceKind.featureSet, "")
        try transaction.scan(tables.resources, prefix: sets.span) { key, value in
            if let set = try? FeatureSet(state: value) {
                featureSets.append(set)
            } else {
                damage = "a stored feature set is damaged or of a newer release"
            }
            return damage == nil
        }
        let scorerKeys = ResourceKind.key(ResourceKind.scorer, "")
        try transaction.scan(tables.resources, prefix: scorerKeys.span) { _, value in
            if let spec = (try? KassaStorageV1.StoredScorer(decoding: value))?.spec {
                scorers.append(spec)
            } else {
                damage = "a stored scorer is damaged"
            }
            return damage == nil
        }
        let numberKeys = ResourceKind.key(ResourceKind.modelNumber, "")
        try transaction.scan(tables.resources, prefix: numberKeys.span) { key, value in
            let name = key.extracting(droppingFirst: numberKeys.count)
            if let name = try? UTF8Span(validating: name),
                let number = UInt32(exactly: readInteger(value))
            {
                modelNumbers[String(copying: name)] = number
            } else {
                damage = "a stored model number is damaged"
            }
            return damage == nil
        }
        let generationKeys = ResourceKind.key(ResourceKind.generations, "")
        try transaction.scan(tables.resources, prefix: generationKeys.span) { _, value in
            if let stored = try? KassaStorageV1.StoredGenerations(decoding: value) {
                generations.append(stored)
            } else {
                damage = "a stored list of generations is damaged"
            }
            return damage == nil
        }
        var slots: [KassaStorageV1.StoredSlots] = []
        let slotKeys = RolloutKey.slots
        try transaction.scan(tables.rollouts, prefix: slotKeys.span) { _, value in
            if let stored = try? KassaStorageV1.StoredSlots(decoding: value) {
                slots.append(stored)
            } else {
                damage = "the stored slots of a scorer are damaged"
            }
            return damage == nil
        }
        var quarantine: [KassaStorageV1.StoredQuarantine] = []
        let quarantineKeys = RolloutKey.quarantine
        try transaction.scan(tables.rollouts, prefix: quarantineKeys.span) { _, value in
            if let stored = try? KassaStorageV1.StoredQuarantine(decoding: value) {
                quarantine.append(stored)
            } else {
                damage = "a stored quarantine is damaged"
            }
            return damage == nil
        }
        try transaction.scan(tables.bundles, prefix: [UInt8]().span) { _, value in
            if let info = (try? KassaStorageV1.StoredModel(decoding: value))?.info {
                models.append(info)
            } else {
                damage = "a stored model is damaged"
            }
            return damage == nil
        }
        self.featureSets = featureSets
        self.scorers = scorers
        self.models = models
        self.modelNumbers = modelNumbers
        self.generations = generations
        self.slots = slots
        self.quarantine = quarantine
        self.damage = damage
    }
}

extension StoredConfiguration {
    /// Puts what a retreat left over what is stored, where that is older.
    mutating func take(_ retreat: KassaStorageV1.StoredRetreat) {
        epoch = max(epoch, retreat.epoch)
        for changed in retreat.slots {
            let index = slots.firstIndex { $0.scorer == changed.scorer }
            if let index {
                guard slots[index].revision <= changed.revision else { continue }
                slots[index] = changed
            } else {
                slots.append(changed)
            }
            // Of the document only this: the rest may have been applied since.
            if let place = scorers.firstIndex(where: { $0.name == changed.scorer }) {
                scorers[place].model = changed.stable?.model ?? scorers[place].model
            }
        }
        for entry in retreat.quarantine
        where !quarantine.contains(where: { $0.bundleSha256 == entry.bundleSha256 }) {
            quarantine.append(entry)
        }
    }
}

/// A little-endian integer of up to eight bytes.
func readInteger(_ bytes: Span<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    for index in bytes.indices.reversed() { value = value << 8 | UInt64(bytes[index]) }
    return value
}

/// `value` as eight little-endian bytes.
func integerBytes(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}
