// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Transport
internal import Wire

/// `Rollouts`: verbs are carried out by the control thread, one after another. A retreat takes the
/// traffic away at once, here, whatever the control thread is busy with.
extension ServerConnection {
    func rollouts(_ call: Call, _ rpc: RPC, _ now: Timestamp) {
        do throws(WireError) {
            switch rpc {
            case .shadow:
                let request = try KassaV1.ShadowRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.shadow(request, at: now).encodedBytes()
                }
            case .canary:
                let request = try KassaV1.CanaryRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.canary(request, at: now).encodedBytes()
                }
            case .setWeight:
                let request = try KassaV1.SetWeightRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.setWeight(request, at: now).encodedBytes()
                }
            case .pause:
                let request = try KassaV1.PauseRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.pause(request, at: now).encodedBytes()
                }
            case .resume:
                let request = try KassaV1.ResumeRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.resume(request, at: now).encodedBytes()
                }
            case .promote:
                let request = try KassaV1.PromoteRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.promote(request, at: now).encodedBytes()
                }
            case .abort:
                let request = try KassaV1.AbortRequest(decoding: call.message)
                retreat(call, context.engine.anticipate(request)) { engine throws(EngineError) in
                    try engine.abort(request, at: now).encodedBytes()
                }
            case .undo:
                let request = try KassaV1.UndoRequest(decoding: call.message)
                retreat(call, context.engine.anticipate(request)) { engine throws(EngineError) in
                    try engine.undo(request, at: now).encodedBytes()
                }
            default: try lookAtRollouts(call, rpc, now)
            }
        } catch {
            refuse(call, EngineError(.malformed, "\(rpc.method.request): \(error)"))
        }
    }

    private func lookAtRollouts(
        _ call: Call, _ rpc: RPC, _ now: Timestamp
    ) throws(WireError) {
        switch rpc {
        case .quarantine:
            let request = try KassaV1.QuarantineRequest(decoding: call.message)
            submit(call) { engine throws(EngineError) in
                try engine.quarantine(request, at: now).encodedBytes()
            }
        case .clearQuarantine:
            let request = try KassaV1.ClearQuarantineRequest(decoding: call.message)
            submit(call) { engine throws(EngineError) in
                try engine.clearQuarantine(request, at: now).encodedBytes()
            }
        case .rolloutStatus:
            let request = try KassaV1.RolloutStatusRequest(decoding: call.message)
            answerNow(call) { engine throws(EngineError) in
                try engine.rolloutStatus(request).encodedBytes()
            }
        case .drift:
            let request = try KassaV1.DriftRequest(decoding: call.message)
            answerNow(call) { engine throws(EngineError) in
                try engine.driftReport(request).encodedBytes()
            }
        case .acceptDrift:
            let request = try KassaV1.AcceptDriftRequest(decoding: call.message)
            submit(call) { engine throws(EngineError) in
                try engine.acceptDrift(request, at: now).encodedBytes()
            }
        case .rolloutHistory:
            let request = try KassaV1.RolloutHistoryRequest(decoding: call.message)
            submit(call) { engine throws(EngineError) in
                try engine.rolloutHistory(request).encodedBytes()
            }
        case .explainRollout:
            let request = try KassaV1.ExplainRolloutRequest(decoding: call.message)
            submit(call) { engine throws(EngineError) in
                try engine.explainRollout(request).encodedBytes()
            }
        default:
            preconditionFailure("no method of rollouts")
        }
    }

    /// Has the control thread carry out a retreat, also for a caller who has gone: its traffic was taken
    /// away already. A refusal gives the traffic back.
    private func retreat(
        _ call: Call, _ retreat: Retreat?,
        _ work: @escaping @Sendable (Engine) throws(EngineError) -> [UInt8]
    ) {
        let isQueued = submit(call, evenForNobody: true) { engine throws(EngineError) in
            do throws(EngineError) {
                return try work(engine)
            } catch {
                retreat?.cancel()
                throw error
            }
        }
        if !isQueued { retreat?.cancel() }
    }

    /// Tells how the slots are now, and then of every change.
    func watchRollouts(_ call: Call) {
        let request: KassaV1.WatchRolloutsRequest
        do throws(WireError) {
            request = try KassaV1.WatchRolloutsRequest(decoding: call.message)
        } catch {
            return refuse(call, EngineError(.malformed, "WatchRolloutsRequest: \(error)"))
        }
        do throws(EngineError) {
            guard context.health.isServing else {
                throw EngineError(.unavailable, "the server is draining")
            }
            // Before the status: an event between the two is told twice rather than not at all.
            let seen = context.engine.events.last
            let watch = RolloutWatch(scorer: request.scorer, seen: seen, context: context)
            if !request.scorer.isEmpty {
                let status = try context.engine.rolloutStatus(
                    KassaV1.RolloutStatusRequest(scorer: request.scorer))
                let event = KassaV1.RolloutEvent(sequence: seen, status: status)
                session.reply(call, message: event.encodedBytes().span)
            }
            try watch.wait(ticket(call))
            streams[call.id] = .rolloutWatch(watch)
        } catch {
            refuse(call, error)
        }
    }

    /// Passes changes on to a watcher, which then waits for the next, unless it does not read.
    func tellOfRollouts(_ call: Call, _ batch: RolloutEvents.Batch) {
        guard case .rolloutWatch(let watch) = streams[call.id] else { return }
        var hasLost = batch.hasLost
        for (sequence, happened) in batch.events where sequence > watch.seen {
            watch.seen = sequence
            guard watch.scorer.isEmpty || watch.scorer == happened.scorer else { continue }
            var event = KassaV1.RolloutEvent(sequence: sequence, eventsLost: hasLost)
            switch happened {
            case .transition(let transition): event.transition = transition
            case .drift(let alarm): event.drift = alarm
            }
            event.status = try? context.engine.rolloutStatus(
                KassaV1.RolloutStatusRequest(scorer: happened.scorer))
            hasLost = false
            session.reply(call, message: event.encodedBytes().span)
        }
        if call.pendingReplyBytes > StreamLimits.waitingReplyBytesMax {
            streams[call.id] = .pausedRolloutWatch(watch)
        } else {
            waitForRollouts(call, watch)
        }
    }

    /// Goes on watching.
    func waitForRollouts(_ call: Call, _ watch: RolloutWatch) {
        do throws(EngineError) {
            try watch.wait(ticket(call))
            streams[call.id] = .rolloutWatch(watch)
        } catch {
            refuse(call, error)
        }
    }

    /// Ends the calls of those who watch: the server drains.
    func endRolloutWatches() {
        for (id, stream) in streams {
            switch stream {
            case .rolloutWatch, .pausedRolloutWatch:
                guard let call = session.call(id) else { continue }
                refuse(call, EngineError(.unavailable, "the server is draining"))
            default: continue
            }
        }
    }
}
