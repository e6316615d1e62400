// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Features
internal import Store
internal import Wire

/// One slot of what callers name: a model bound to the features that it takes, compiled for one epoch.
final class Scorer: Sendable {
    let spec: KassaV1.ScorerSpec
    let slot: KassaV1.Slot
    let model: Model
    let plan: VectorPlan
    /// For each group of the plan the table that its rows are read from.
    let tablesOfGroups: [Table]
    /// The entity kinds of the keys of all groups, one after another, where they stand in ``kindText``.
    let kinds: [ByteRange]
    /// Where each group's begin; one more at the end.
    let firstKinds: [Int]
    let kindText: [UInt8]
    /// The names of the inputs as replies give them, "set.feature".
    let inputNames: [[UInt8]]
    /// The fields of a reply that are the same for every request of the epoch, encoded.
    let constantReply: [UInt8]

    init(
        _ spec: KassaV1.ScorerSpec, _ slot: KassaV1.Slot, model: Model, features: FeatureCatalog,
        places: RowPlaces
    ) throws(EngineError) {
        self.spec = spec
        self.slot = slot
        self.model = model
        plan = try Self.plan(of: model, features: features, scorer: spec.name)
        tablesOfGroups = plan.groups.map { places.of($0.setName).serving }
        var kinds: [ByteRange] = []
        var firstKinds = [0]
        var kindText: [UInt8] = []
        for group in plan.groups {
            for kind in group.entityKinds {
                kinds.append(ByteRange(offset: kindText.count, count: kind.utf8.count))
                kindText += kind.utf8
            }
            firstKinds.append(kinds.count)
        }
        self.kinds = kinds
        self.firstKinds = firstKinds
        self.kindText = kindText
        inputNames = zip(plan.setNames, plan.names).map { Array("\($0).\($1)".utf8) }
        constantReply = Self.constantReply(of: model, in: slot)
    }

    /// Another slot with the same model, under the same features and tables: nothing is compiled.
    init(_ spec: KassaV1.ScorerSpec, _ slot: KassaV1.Slot, like other: Scorer) {
        self.spec = spec
        self.slot = slot
        model = other.model
        plan = other.plan
        tablesOfGroups = other.tablesOfGroups
        kinds = other.kinds
        firstKinds = other.firstKinds
        kindText = other.kindText
        inputNames = other.inputNames
        constantReply =
            slot == other.slot ? other.constantReply : Self.constantReply(of: model, in: slot)
    }

    private static func plan(
        of model: Model, features: FeatureCatalog, scorer: String
    ) throws(EngineError) -> VectorPlan {
        do throws(EngineError) {
            return try ModelInputs.plan(
                model.info.spec ?? KassaV1.ModelSpec(), of: model.compiled, in: features)
        } catch {
            throw EngineError(.failedPrecondition, "scorer \(scorer): \(error.reason)")
        }
    }

    private static func constantReply(of model: Model, in slot: KassaV1.Slot) -> [UInt8] {
        var writer = WireWriter()
        KassaV1.ScoreResponse(
            slot: slot, model: model.name, bundleSha256: model.bundleDigest
        ).encode(into: &writer)
        let bytes = writer.bytes
        return bytes.indices.map { bytes[$0] }
    }
}
