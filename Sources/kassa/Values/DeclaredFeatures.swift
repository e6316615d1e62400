// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents
internal import GRPC

/// The features of some feature sets, to read what is typed as what is declared.
struct DeclaredFeatures {
    /// By feature, and by "set.feature".
    private var types: [String: KassaV1.FeatureType] = [:]
    private var names: [String] = []

    init(_ sets: [KassaV1.FeatureSetSpec]) {
        for set in sets {
            for feature in set.features {
                types[feature.name] = feature.type
                types["\(set.name).\(feature.name)"] = feature.type
                names.append(feature.name)
            }
        }
    }

    /// The type of `name`; without such a feature the nearest is suggested.
    func type(of name: String, in place: String) throws(CommandError) -> KassaV1.FeatureType {
        if let type = types[name] { return type }
        if let nearest = NearestWord.of(name, among: names) {
            throw .failed("\(place) has no feature \(name); did you mean \(nearest)?")
        }
        throw .failed("\(place) has no feature \(name); it has \(names.joined(separator: ", "))")
    }

    /// The feature set `name`, "cart" or "cart@3", as the server has it.
    static func featureSet(
        _ name: String, from client: Client
    ) throws(CommandError) -> KassaV1.FeatureSetSpec {
        let request = KassaV1.GetRequest(kind: Kind.featureSet.rawValue, name: name)
        let response: KassaV1.GetResponse
        do throws(ClientError) {
            response = try client.call(KassaV1.ConfigService.get, request)
        } catch {
            if case .status(.notFound, _) = error {
                throw .failed(
                    "there is no feature set \(name): `kassa list feature_set` shows those there are"
                )
            }
            return try asking { () throws(ClientError) in throw error }
        }
        guard case .featureSet(let set) = response.document?.resource else {
            throw .failed("the server has answered without a feature set")
        }
        return set
    }

    /// The features that the model of `scorer` takes.
    static func inputs(
        ofScorer scorer: String, from client: Client
    ) throws(CommandError) -> DeclaredFeatures {
        let request = KassaV1.GetRequest(kind: Kind.scorer.rawValue, name: scorer)
        let document: KassaV1.GetResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.ConfigService.get, request)
        }
        guard case .scorer(let spec) = document.document?.resource else {
            throw .failed("the server has answered without a scorer")
        }
        let model: KassaV1.GetModelResponse = try asking { () throws(ClientError) in
            try client.call(
                KassaV1.ModelsService.get, KassaV1.GetModelRequest(model: spec.model))
        }
        var sets: [KassaV1.FeatureSetSpec] = []
        for name in Set(model.model?.spec?.inputs.map(\.featureSet) ?? []).sorted() {
            sets.append(try featureSet(name, from: client))
        }
        return DeclaredFeatures(sets)
    }
}
