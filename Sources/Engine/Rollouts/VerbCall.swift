// SPDX-License-Identifier: Apache-2.0

internal import API

/// What a verb is asked with, beside its operands.
struct VerbCall {
    let scorer: String
    let expectedRevision: UInt64?
    let actor: String
    let reason: String
}

extension VerbCall {
    /// What a caller asks with, checked.
    init(_ request: some VerbRequest) throws(EngineError) {
        self = try VerbCall(
            scorer: request.scorer, expectedRevision: request.expectedRevision,
            actor: request.actor, reason: request.reason
        ).checked()
    }

    /// The same words, if they are fit for the audit log.
    func checked() throws(EngineError) -> VerbCall {
        try Words.checkProse(actor, at: "actor")
        try Words.checkProse(reason, at: "reason")
        return self
    }
}

/// What the requests of all verbs on one scorer's slots say.
protocol VerbRequest {
    var scorer: String { get }
    var expectedRevision: UInt64? { get }
    var actor: String { get }
    var reason: String { get }
}

extension KassaV1.ShadowRequest: VerbRequest {}
extension KassaV1.CanaryRequest: VerbRequest {}
extension KassaV1.SetWeightRequest: VerbRequest {}
extension KassaV1.PauseRequest: VerbRequest {}
extension KassaV1.ResumeRequest: VerbRequest {}
extension KassaV1.PromoteRequest: VerbRequest {}
extension KassaV1.AbortRequest: VerbRequest {}
extension KassaV1.UndoRequest: VerbRequest {}
