// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Engine
internal import GRPC
internal import Wire

/// `Scoring.ScoreStream`.
extension ServerConnection {
    /// Scores one request of a stream; a refused one is answered in its place and the stream goes on.
    func scoreNext(_ call: Call, _ now: Timestamp) {
        do throws(EngineError) {
            try session.withReplyBuffer(call) { buffer throws(EngineError) in
                try context.withWriter(into: &buffer) { worker, writer throws(EngineError) in
                    try worker.score(call.message, at: now, into: &writer)
                }
            }
        } catch {
            let response = KassaV1.ScoreResponse(
                refusal: Self.refusal(error))
            session.reply(call, message: response.encodedBytes().span)
        }
        if call.pendingReplyBytes > StreamLimits.waitingReplyBytesMax {
            session.pause(call)
            streams[call.id] = .pausedScores
        }
    }

    /// Goes on with streams whose client has read what waited for it.
    func resumeStreams() {
        var hasResumed = false
        for (id, stream) in streams {
            guard
                let call = session.call(id),
                call.pendingReplyBytes <= StreamLimits.waitingReplyBytesMax / 2
            else { continue }
            switch stream {
            case .pausedScores:
                streams[id] = nil
            case .writes(let open, let hasEnded, true)
            where open <= StreamLimits.openWritesMax / 2:
                streams[id] = .writes(open: open, hasEnded: hasEnded, isPaused: false)
            case .pausedRolloutWatch(let watch):
                waitForRollouts(call, watch)
                continue
            default:
                continue
            }
            session.resume(call)
            hasResumed = true
        }
        if hasResumed { answerEvents() }
    }
}
