// SPDX-License-Identifier: Apache-2.0

import API
import Base
import GRPC
import Transport
import Wire

/// A server's side that does what the name of the scorer or the model tells it to.
final class ScriptedSession: ByteSession {
    static let methods = MethodTable([
        MethodTable.Method(path: KassaV1.ScoringService.score.path, kind: .unary, tag: 0),
        MethodTable.Method(
            path: KassaV1.ModelsService.upload.path, kind: .clientStreaming, tag: 1),
    ])

    let session: ServerSession
    private var chunkByteCount = 0
    private var messageCount: UInt32 = 0
    private(set) var wantsToHangUp = false

    init(memory: SessionMemory, now: MonotonicTime) {
        session = ServerSession(methods: Self.methods, memory: memory, now: now)
    }

    private func answer() {
        while let event = session.nextEvent() {
            switch event {
            case .message(let call):
                if call.method == 0 { score(call) } else { take(call) }
            case .halfClosed(let call):
                var writer = WireWriter()
                KassaV1.UploadResponse(
                    model: KassaV1.ModelInfo(
                        spec: KassaV1.ModelSpec(byteCount: UInt64(chunkByteCount)),
                        trees: messageCount)
                ).encode(into: &writer)
                session.replyAndFinish(call, message: writer.bytes)
            case .cancelled:
                break
            }
        }
    }

    private func score(_ call: Call) {
        guard let request = try? KassaV1.ScoreRequest(decoding: call.message) else { return }
        switch request.scorer {
        case "silent":
            break
        case "missing":
            session.finish(call, status: .notFound, message: "scorer: there is none, “ä” %")
        case "garbage":
            session.replyAndFinish(call, message: ([0x0A, 0xFF] as [UInt8]).span)
        case "hang up":
            wantsToHangUp = true
        default:
            var writer = WireWriter()
            KassaV1.ScoreResponse(score: 0.25, model: request.scorer).encode(into: &writer)
            session.replyAndFinish(call, message: writer.bytes)
        }
    }

    private func take(_ call: Call) {
        guard let request = try? KassaV1.UploadRequest(decoding: call.message) else { return }
        messageCount += 1
        switch request.part {
        case .spec(let spec) where spec.name == "refused":
            session.finish(call, status: .invalidArgument, message: "spec.name: refused")
        case .chunk(let bytes):
            chunkByteCount += bytes.count
        default:
            break
        }
    }

    func receive(_ bytes: Span<UInt8>, now: MonotonicTime) {
        _ = session.receive(bytes, now: now)
        answer()
    }

    var wantsProduce: Bool { session.wantsProduce }
    func produce(into buffer: inout ByteBuffer, now: MonotonicTime) {
        session.produce(into: &buffer, now: now)
    }
    var wantsClose: Bool { wantsToHangUp || session.wantsClose }
    var nextDeadline: MonotonicTime { session.nextDeadline }
    func tick(now: MonotonicTime) {
        session.tick(now: now)
        answer()
    }
    func drain(now: MonotonicTime) { session.drain(now: now) }
    func closed() {}
}

extension ServerSession {
    /// Ends the call with its one reply and status 0.
    func replyAndFinish(_ call: Call, message: Span<UInt8>) {
        reply(call, message: message)
        finish(call, status: .ok)
    }
}
