// SPDX-License-Identifier: Apache-2.0

internal import API

/// What a streaming call keeps between its messages.
enum StreamState {
    /// Writes that are queued and not answered, whether more may come, and whether the call pauses.
    case writes(open: Int, hasEnded: Bool, isPaused: Bool)
    /// Scores whose replies pile up because the client does not read.
    case pausedScores
    /// A model on its way in.
    case upload(Upload)
    /// A health check that hears of changes.
    case healthWatch(service: String)
}

/// A model on its way in: its spec, and the bytes so far.
final class Upload {
    let spec: KassaV1.ModelSpec
    /// The room for `bytes`; who keeps them keeps it.
    let share: UploadBudget.Share
    private(set) var bytes: [UInt8] = []

    init(_ spec: KassaV1.ModelSpec, _ share: UploadBudget.Share) {
        self.spec = spec
        self.share = share
        bytes.reserveCapacity(Int(spec.byteCount))
    }

    /// Appends a chunk, unless it is more than the spec announced.
    func append(_ chunk: [UInt8]) -> Bool {
        guard bytes.count + chunk.count <= Int(spec.byteCount) else { return false }
        bytes.append(contentsOf: chunk)
        return true
    }
}

/// The bounds of streaming calls.
package enum StreamLimits {
    /// Unanswered writes of one stream; a stream that reaches it is not read until half are answered.
    package static let openWritesMax = 256
    /// Reply bytes of one stream that may wait for the client before the stream is not read any more:
    /// well under what stops a whole connection, so that a few slow readers stop only themselves.
    package static let waitingReplyBytesMax = 128 << 10
}
