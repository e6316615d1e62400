// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Synchronization

/// What a call keeps between its messages, or until the control thread has answered it.
enum StreamState {
    /// Writes that are queued and not answered, whether more may come, and whether the call pauses.
    case writes(open: Int, hasEnded: Bool, isPaused: Bool)
    /// Scores whose replies pile up because the client does not read.
    case pausedScores
    /// A model on its way in.
    case upload(Upload)
    /// A health check that hears of changes.
    case healthWatch(service: String)
    /// A watcher of slots, of all scorers or one, that has heard of so many events.
    case rolloutWatch(RolloutWatch)
    /// The same, while its client does not read.
    case pausedRolloutWatch(RolloutWatch)
    /// Control work that is queued or under way.
    case control(ControlJob)

    /// The call has ended: nobody waits for what is kept.
    func giveUp() {
        if case .control(let job) = self { job.giveUp() }
        if case .rolloutWatch(let watch) = self { watch.giveUp() }
    }
}

/// One call's work on its way to the control thread, which does not begin what nobody waits for.
final class ControlJob: Sendable {
    private let isForNobody = Atomic(false)

    /// The call has ended.
    func giveUp() {
        isForNobody.store(true, ordering: .relaxed)
    }

    /// Whether the call has ended.
    var isGivenUp: Bool { isForNobody.load(ordering: .relaxed) }
}

/// A model on its way in: its spec, and the bytes so far.
final class Upload {
    let spec: KassaV1.ModelSpec
    /// Who uploads it and why.
    let actor: String
    let reason: String
    /// The room for `bytes`; who keeps them keeps it.
    let share: UploadBudget.Share
    private(set) var bytes: [UInt8] = []
    /// When the upload is given up, unless it has progressed by then.
    private(set) var deadline: MonotonicTime
    /// The count of bytes that is progress.
    private var nextByteCount = StreamLimits.uploadProgressBytes

    init(
        _ spec: KassaV1.ModelSpec, actor: String, reason: String, _ share: UploadBudget.Share,
        now: MonotonicTime
    ) {
        self.actor = actor
        self.reason = reason
        deadline = now.advanced(byNanoseconds: StreamLimits.uploadStallNanosecondsMax)
        self.spec = spec
        self.share = share
        bytes.reserveCapacity(Int(spec.byteCount))
    }

    /// Appends a chunk, unless it is more than the spec announced.
    func append(_ chunk: [UInt8], now: MonotonicTime) -> Bool {
        guard bytes.count + chunk.count <= Int(spec.byteCount) else { return false }
        bytes.append(contentsOf: chunk)
        if bytes.count >= nextByteCount {
            nextByteCount = bytes.count + StreamLimits.uploadProgressBytes
            deadline = now.advanced(byNanoseconds: StreamLimits.uploadStallNanosecondsMax)
        }
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
    /// How long an upload, which holds memory for all of its bytes, may make no progress.
    package static let uploadStallNanosecondsMax: UInt64 = 10_000_000_000
    /// Bytes of an upload that are progress.
    package static let uploadProgressBytes = 64 << 10
}
