// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Transport
internal import Wire

/// `Config` and `Models`: changes are carried out by the control thread, one after another; what is
/// in force is told at once.
extension ServerConnection {
    func control(_ call: Call, _ rpc: RPC, _ now: Timestamp) {
        do throws(WireError) {
            switch rpc {
            case .apply:
                let request = try KassaV1.ApplyRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.apply(request, at: now).encodedBytes()
                }
            case .drop:
                let request = try KassaV1.DropRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.drop(request, at: now).encodedBytes()
                }
            case .erase:
                let request = try KassaV1.EraseRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.erase(request, at: now).encodedBytes()
                }
            case .getDocument:
                let request = try KassaV1.GetRequest(decoding: call.message)
                answerNow(call) { engine throws(EngineError) in
                    try engine.get(request).encodedBytes()
                }
            case .listDocuments:
                let request = try KassaV1.ListRequest(decoding: call.message)
                answerNow(call) { engine throws(EngineError) in
                    try engine.list(request).encodedBytes()
                }
            case .audit:
                let request = try KassaV1.AuditRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.audit(request).encodedBytes()
                }
            case .listModels:
                _ = try KassaV1.ListModelsRequest(decoding: call.message)
                answerNow(call) { engine in engine.listModels().encodedBytes() }
            case .getModel:
                let request = try KassaV1.GetModelRequest(decoding: call.message)
                answerNow(call) { engine throws(EngineError) in
                    try engine.getModel(request).encodedBytes()
                }
            case .deleteModel:
                let request = try KassaV1.DeleteModelRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.deleteModel(request, at: now)
                    return KassaV1.DeleteModelResponse().encodedBytes()
                }
            default:
                preconditionFailure("no control method")
            }
        } catch {
            refuse(call, EngineError(.malformed, "\(rpc.method.request): \(error)"))
        }
    }

    /// Answers from the configuration in force, whatever the control thread is doing.
    func answerNow(
        _ call: Call, _ body: (Engine) throws(EngineError) -> [UInt8]
    ) {
        do throws(EngineError) {
            let bytes = try body(context.engine)
            session.reply(call, message: bytes.span)
            finish(call, .ok)
        } catch {
            refuse(call, error)
        }
    }

    /// Has another thread carry out `work`, unless the caller has given up by then; says whether it was
    /// queued, after refusing the call if not.
    @discardableResult
    func submit(
        _ call: Call, to queue: WorkQueue = .control, evenForNobody: Bool = false,
        _ work: @escaping @Sendable (Engine) throws(EngineError) -> [UInt8]
    ) -> Bool {
        let ticket = ticket(call)
        let deadline = call.deadline
        let job = ControlJob()
        do throws(EngineError) {
            try context.expectAnswer()
            let isQueued = queue.submit(in: context) {
                [engine = context.engine, answers = context.answers!] in
                // The session answers a call whose deadline has passed.
                guard evenForNobody || !job.isGivenUp && MonotonicTime.now() < deadline else {
                    _ = answers.post(Answer(ticket: ticket, outcome: .nothing))
                    return
                }
                let outcome: Answer.Outcome
                do throws(EngineError) {
                    outcome = .reply(try work(engine))
                } catch {
                    outcome = .refusal(error)
                }
                _ = answers.post(Answer(ticket: ticket, outcome: outcome))
            }
            if !isQueued {
                context.expectNoAnswer()
                throw WorkQueue.busy
            }
            streams[call.id] = .control(job)
            return true
        } catch {
            refuse(call, error)
            return false
        }
    }

    /// Takes the header or a chunk of a model's upload.
    func uploadNext(_ call: Call) {
        do throws(EngineError) {
            let request: KassaV1.UploadRequest
            do throws(WireError) {
                request = try KassaV1.UploadRequest(decoding: call.message)
            } catch {
                throw EngineError(.malformed, "UploadRequest: \(error)")
            }
            switch (streams[call.id], request.part) {
            case (nil, .spec(let spec)):
                try Engine.checkUpload(spec, actor: request.actor, reason: request.reason)
                let share = try context.uploads.take(Int(spec.byteCount))
                let upload = Upload(
                    spec, actor: request.actor, reason: request.reason, share, now: now)
                streams[call.id] = .upload(upload)
                uploadDeadline = min(uploadDeadline, upload.deadline)
            case (nil, _):
                throw EngineError(.invalidArgument, "spec: the first message must be the spec")
            case (.upload(let upload), .chunk(let chunk)):
                guard upload.append(chunk, now: now) else {
                    throw EngineError(
                        .invalidArgument, "chunk: more bytes than spec.byte_count announced")
                }
            default:
                throw EngineError(.invalidArgument, "part: after the spec come chunks only")
            }
        } catch {
            refuse(call, error)
        }
    }

    /// Ends the uploads that make no progress, so that others get the memory that they hold.
    func endStalledUploads() {
        uploadDeadline = .distantFuture
        for (id, stream) in streams {
            guard case .upload(let upload) = stream else { continue }
            guard upload.deadline <= now else {
                uploadDeadline = min(uploadDeadline, upload.deadline)
                continue
            }
            guard let call = session.call(id) else { continue }
            let seconds = StreamLimits.uploadStallNanosecondsMax / 1_000_000_000
            refuse(
                call, .deadlineExceeded,
                "chunk: fewer than \(StreamLimits.uploadProgressBytes) bytes came in \(seconds) s")
        }
    }

    /// Has a model verified whose bytes are all there.
    func finishUpload(_ call: Call, _ now: Timestamp) {
        guard case .upload(let upload) = streams[call.id] else {
            return refuse(call, EngineError(.invalidArgument, "spec: none was sent"))
        }
        let (spec, bytes, share) = (upload.spec, upload.bytes, upload.share)
        let (actor, reason) = (upload.actor, upload.reason)
        // The call may be cancelled while this waits: the bytes are then still held, by the closure.
        submit(call) { engine throws(EngineError) in
            defer { withExtendedLifetime(share) {} }
            return try engine.upload(
                spec, artefact: bytes, actor: actor, reason: reason, at: now
            ).encodedBytes()
        }
    }
}
