// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Client
internal import GRPC
internal import Glibc
internal import Loading

/// One load under way: batches out, answers in, in the order of the file.
///
/// Invariant: the state file never says more than what is stored durably. Batches before a checkpoint
/// are answered before it is written, and the checkpoint's own batch is written DURABLE, which syncs
/// every commit before it too.
struct LoadRun: ~Copyable {
    /// How often the state file is renewed.
    private static let checkpointNanoseconds: UInt64 = 1_000_000_000
    /// How long a server that refuses for want of room is asked again, without one batch taken.
    private static let patienceNanoseconds: UInt64 = 300_000_000_000

    private struct Sent {
        var batch: Batch
        var call: PendingCall?
        var isCheckpoint = false
    }

    private let client: Client
    private var reader: BatchReader
    private let rejects: RejectsFile?
    private let statePath: String
    private let isDurable: Bool
    private let inFlightMax: Int
    private let rejectsMax: Int
    private(set) var state: LoadState
    private(set) var progress: LoadProgress
    /// Why rows were rejected, and how often.
    private(set) var reasons: [String: Int] = [:]
    /// Batches whose answer does not add up: the line of the first row, and what was answered.
    private(set) var contradictions: [String] = []
    private var sent: [Sent] = []
    private var checkpointAt = MonotonicTime.now()

    init(
        client: Client, reader: consuming BatchReader, state: LoadState, statePath: String,
        rejects: RejectsFile?, isDurable: Bool, inFlightMax: Int, rejectsMax: Int
    ) {
        self.client = client
        progress = LoadProgress(
            rows: state.read, offset: state.offset, byteCount: reader.byteCount)
        self.reader = reader
        self.state = state
        self.statePath = statePath
        self.rejects = rejects
        self.isDurable = isDurable
        self.inFlightMax = inFlightMax
        self.rejectsMax = rejectsMax
    }

    /// Loads to the end of the file, or throws and leaves the state file as it was last true.
    mutating func run() throws(CommandError) {
        if reader.isSorted {
            let given = state.read
            try reading { reader throws(LoadError) in try reader.skip(records: given) }
        } else if state.offset > 0 {
            reader.skip(to: state.offset, line: state.line)
        }
        var next = try read()
        while let batch = next {
            next = try read()
            try send(batch, isLast: next == nil)
            while sent.count >= inFlightMax { try takeAnswer() }
        }
        while !sent.isEmpty { try takeAnswer() }
        progress.clear()
    }

    private mutating func read() throws(CommandError) -> Batch? {
        try reading { reader throws(LoadError) in try reader.next() }
    }

    private mutating func reading<Result>(
        _ body: (inout BatchReader) throws(LoadError) -> Result
    ) throws(CommandError) -> Result {
        do throws(LoadError) {
            return try body(&reader)
        } catch {
            progress.clear()
            throw .failed("\(error)")
        }
    }

    private mutating func send(_ batch: Batch, isLast: Bool) throws(CommandError) {
        var entry = Sent(batch: batch)
        let now = MonotonicTime.now()
        if isLast || now.nanoseconds(since: checkpointAt) >= Self.checkpointNanoseconds {
            checkpointAt = now
            entry.isCheckpoint = true
        }
        entry.batch.request.generation = UInt64(clamping: state.generation)
        entry.batch.request.durability = isDurable || entry.isCheckpoint ? .durable : .fast
        if !batch.lines.isEmpty {
            entry.call = try start(entry.batch.request, behind: sent.last?.call)
        }
        sent.append(entry)
    }

    /// Begins a write; one that is `behind` another arrives after it, so that sorted rows stay sorted.
    private func start(
        _ request: KassaV1.WriteRequest, behind earlier: PendingCall? = nil
    ) throws(CommandError) -> PendingCall {
        try asking { () throws(ClientError) in
            let call = try client.start(
                KassaV1.FeaturesService.write, request, behind: earlier)
            // It travels while the next batch is read.
            try client.send()
            return call
        }
    }

    /// Takes the answer to the oldest batch; a batch that found no room is sent again.
    private mutating func takeAnswer() throws(CommandError) {
        let entry = sent[0]
        var call = entry.call
        var pauseMicroseconds: UInt32 = 20_000
        let startedAt = MonotonicTime.now()
        var response = KassaV1.WriteResponse()
        while let waiting = call {
            do throws(ClientError) {
                response = try client.finish(waiting)
                call = nil
            } catch {
                guard case .status(.resourceExhausted, _) = error,
                    MonotonicTime.now().nanoseconds(since: startedAt) < Self.patienceNanoseconds
                else {
                    progress.clear()
                    try fail(error)
                }
                usleep(pauseMicroseconds)
                pauseMicroseconds = min(pauseMicroseconds * 2, 2_000_000)
                call = try start(entry.batch.request)
            }
        }
        sent.removeFirst()
        try count(entry.batch, response)
        if entry.isCheckpoint { try state.write(to: statePath) }
        progress.show(rows: state.read, offset: state.offset)
        guard state.rejected <= rejectsMax else {
            progress.clear()
            throw .failed(
                "\(grouped(state.rejected)) rows were rejected, more than --rejects-max"
                    + " \(rejectsMax); stopped \(stop)\(firstReason)")
        }
    }

    private func fail(_ error: ClientError) throws(CommandError) -> Never {
        do throws(CommandError) {
            try asking { () throws(ClientError) in throw error }
        } catch {
            let hint =
                "\(error.message)\nabout \(grouped(state.read)) rows are stored;"
                + " go on with: kassa load ... --resume"
            switch error {
            case .unreachable: throw .unreachable(hint)
            case .usage, .failed, .inconclusive: throw .failed(hint)
            }
        }
        preconditionFailure("an error was thrown")
    }

    private mutating func count(
        _ batch: Batch, _ response: KassaV1.WriteResponse
    ) throws(CommandError) {
        var rejected = batch.rejects
        for error in response.errors where Int(error.row) < batch.lines.count {
            rejected.append(
                Reject(
                    line: batch.lines[Int(error.row)], field: error.field, reason: error.reason))
        }
        rejected.sort { $0.line < $1.line }
        try rejects?.append(rejected)
        for reject in rejected {
            let place = reject.field.isEmpty ? "the record" : reject.field
            reasons["\(place) \(reject.reason)", default: 0] += 1
        }
        let answered =
            Int(response.applied) + Int(response.ignoredOlder) + Int(response.ignoredErased)
            + response.errors.count
        if answered != batch.lines.count {
            contradictions.append(
                "of \(batch.lines.count) rows from line \(batch.lines.first ?? 0) on the server"
                    + " applied \(response.applied), ignored \(response.ignoredOlder) as older and"
                    + " \(response.ignoredErased) as erased, and refused \(response.errors.count)")
        }
        state.read += batch.recordCount
        state.applied += Int(response.applied)
        state.ignoredOlder += Int(response.ignoredOlder)
        state.ignoredErased += Int(response.ignoredErased)
        state.rejected += rejected.count
        state.rejectsByteCount = rejects?.byteCount ?? 0
        state.offset = batch.endOffset
        state.line = batch.endLine
    }

    private var stop: String {
        reader.isSorted
            ? "after \(grouped(state.read)) rows by key" : "behind line \(state.line - 1)"
    }

    private var firstReason: String {
        reasons.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ": \($0.key)" } ?? ""
    }
}
