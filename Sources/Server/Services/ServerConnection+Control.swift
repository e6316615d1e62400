// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Transport
internal import Wire

/// `Config` and `Models`: carried out by the control thread, one after another.
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
                submit(call) { engine throws(EngineError) in try engine.get(request).encodedBytes()
                }
            case .listDocuments:
                let request = try KassaV1.ListRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
                    try engine.list(request).encodedBytes()
                }
            case .listModels:
                _ = try KassaV1.ListModelsRequest(decoding: call.message)
                submit(call) { engine in engine.listModels().encodedBytes() }
            case .getModel:
                let request = try KassaV1.GetModelRequest(decoding: call.message)
                submit(call) { engine throws(EngineError) in
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

    /// Has the control thread carry out `work`, unless the caller has given up by then.
    func submit(
        _ call: Call, _ work: @escaping @Sendable (Engine) throws(EngineError) -> [UInt8]
    ) {
        let ticket = ticket(call)
        let deadline = call.deadline
        do throws(EngineError) {
            try context.expectAnswer()
            let isQueued = context.control.submit {
                [engine = context.engine, answers = context.answers!] in
                let outcome: Answer.Outcome
                do throws(EngineError) {
                    guard MonotonicTime.now() < deadline else {
                        throw EngineError(.unavailable, "the deadline passed before it was begun")
                    }
                    outcome = .reply(try work(engine))
                } catch {
                    outcome = .refusal(error)
                }
                _ = answers.post(Answer(ticket: ticket, outcome: outcome))
            }
            if !isQueued {
                context.expectNoAnswer()
                throw EngineError(
                    .resourceExhausted, "too much control work is queued; try again later")
            }
        } catch {
            refuse(call, error)
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
                try Engine.checkUpload(spec)
                let share = try context.uploads.take(Int(spec.byteCount))
                streams[call.id] = .upload(Upload(spec, share))
            case (nil, _):
                throw EngineError(.invalidArgument, "spec: the first message must be the spec")
            case (.upload(let upload), .chunk(let chunk)):
                guard upload.append(chunk) else {
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

    /// Has a model verified whose bytes are all there.
    func finishUpload(_ call: Call, _ now: Timestamp) {
        guard case .upload(let upload) = streams[call.id] else {
            return refuse(call, EngineError(.invalidArgument, "spec: none was sent"))
        }
        let (spec, bytes, share) = (upload.spec, upload.bytes, upload.share)
        // The call may be cancelled while this waits: the bytes are then still held, by the closure.
        submit(call) { engine throws(EngineError) in
            defer { withExtendedLifetime(share) {} }
            return try engine.upload(spec, artefact: bytes, at: now).encodedBytes()
        }
    }
}
