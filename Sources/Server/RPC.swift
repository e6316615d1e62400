// SPDX-License-Identifier: Apache-2.0

internal import API
internal import GRPC

/// Every method that the server answers; the raw value is the tag of its calls and its metrics' number.
enum RPC: Int, CaseIterable {
    case score, scoreBatch, scoreStream, recordOutcome, getCalibration
    case write, writeStream, read, erase
    case apply, drop, getDocument, listDocuments, audit
    case upload, listModels, getModel, deleteModel
    case storeStats, verifyStore, snapshotStore
    case beginGeneration, checkGeneration, switchGeneration, rollBackGeneration
    case discardGeneration, listGenerations
    case shadow, canary, setWeight, pause, resume, promote, abort, undo
    case quarantine, clearQuarantine, rolloutStatus, rolloutHistory, explainRollout, watchRollouts
    case drift, acceptDrift
    case healthCheck, healthWatch
    case reflection, reflectionAlpha

    /// The method as the API declares it.
    var method: APIMethod {
        switch self {
        case .score: KassaV1.ScoringService.score
        case .scoreBatch: KassaV1.ScoringService.scoreBatch
        case .scoreStream: KassaV1.ScoringService.scoreStream
        case .recordOutcome: KassaV1.ScoringService.recordOutcome
        case .getCalibration: KassaV1.ScoringService.getCalibration
        case .write: KassaV1.FeaturesService.write
        case .writeStream: KassaV1.FeaturesService.writeStream
        case .read: KassaV1.FeaturesService.read
        case .erase: KassaV1.FeaturesService.erase
        case .apply: KassaV1.ConfigService.apply
        case .drop: KassaV1.ConfigService.drop
        case .getDocument: KassaV1.ConfigService.get
        case .listDocuments: KassaV1.ConfigService.list
        case .audit: KassaV1.ConfigService.audit
        case .upload: KassaV1.ModelsService.upload
        case .listModels: KassaV1.ModelsService.list
        case .getModel: KassaV1.ModelsService.get
        case .deleteModel: KassaV1.ModelsService.delete
        case .storeStats: KassaV1.StorageService.stats
        case .verifyStore: KassaV1.StorageService.verify
        case .snapshotStore: KassaV1.StorageService.snapshot
        case .beginGeneration: KassaV1.GenerationsService.begin
        case .checkGeneration: KassaV1.GenerationsService.check
        case .switchGeneration: KassaV1.GenerationsService.switch
        case .rollBackGeneration: KassaV1.GenerationsService.rollback
        case .discardGeneration: KassaV1.GenerationsService.discard
        case .listGenerations: KassaV1.GenerationsService.list
        case .shadow: KassaV1.RolloutsService.shadow
        case .canary: KassaV1.RolloutsService.canary
        case .setWeight: KassaV1.RolloutsService.setWeight
        case .pause: KassaV1.RolloutsService.pause
        case .resume: KassaV1.RolloutsService.resume
        case .promote: KassaV1.RolloutsService.promote
        case .abort: KassaV1.RolloutsService.abort
        case .undo: KassaV1.RolloutsService.undo
        case .quarantine: KassaV1.RolloutsService.quarantine
        case .clearQuarantine: KassaV1.RolloutsService.clearQuarantine
        case .rolloutStatus: KassaV1.RolloutsService.status
        case .rolloutHistory: KassaV1.RolloutsService.history
        case .explainRollout: KassaV1.RolloutsService.explain
        case .drift: KassaV1.RolloutsService.drift
        case .acceptDrift: KassaV1.RolloutsService.acceptDrift
        case .watchRollouts: KassaV1.RolloutsService.watch
        case .healthCheck: HealthV1.HealthService.check
        case .healthWatch: HealthV1.HealthService.watch
        case .reflection: ReflectionV1.ServerReflectionService.serverReflectionInfo
        case .reflectionAlpha: ReflectionV1Alpha.ServerReflectionService.serverReflectionInfo
        }
    }

    /// The services, as reflection lists them.
    static let services: [APIService] = [
        HealthV1.HealthService.descriptor,
        ReflectionV1.ServerReflectionService.descriptor,
        ReflectionV1Alpha.ServerReflectionService.descriptor,
        KassaV1.ConfigService.descriptor,
        KassaV1.FeaturesService.descriptor,
        KassaV1.GenerationsService.descriptor,
        KassaV1.ModelsService.descriptor,
        KassaV1.RolloutsService.descriptor,
        KassaV1.ScoringService.descriptor,
        KassaV1.StorageService.descriptor,
    ]

    /// The methods as sessions find them.
    static let table = MethodTable(
        allCases.map { rpc in
            let method = rpc.method
            let kind: MethodKind =
                switch (method.clientStreams, method.serverStreams) {
                case (false, false): .unary
                case (true, false): .clientStreaming
                case (false, true): .serverStreaming
                case (true, true): .bidirectional
                }
            return MethodTable.Method(path: method.path, kind: kind, tag: rpc.rawValue)
        })

    /// "kassa.v1.Scoring/Score", the label of metrics.
    static let labels: [String] = allCases.map { String($0.method.path.dropFirst()) }
}
