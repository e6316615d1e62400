// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Client
internal import Glibc
internal import Wire

/// How a model is replaced while the shop is open: a good candidate goes through, a bad one goes.
///
/// Every number comes from the server. It throws as soon as a part does not happen.
struct Story {
    static let scorer = ShopRequests.scorer
    /// What the guard is to wait for in each step; a shop of this size would wait for days.
    static let advanceFlags = ["--dwell", "1s", "--entities-min", "200", "--pairs-min", "1000"]
    /// A score's objective: the machine of a demo is shared.
    static let objectiveFlags = ["--slo", "20000"]
    /// How long a part may take.
    static let secondsMax = 40.0
    /// How often the table gets a line.
    static let lineSeconds = 1.0
    /// How often the server is asked how the candidate stands.
    static let statusSeconds = 0.01

    let kassa: KassaProgram
    let client: Client
    /// Where the server tells its metrics, "127.0.0.1:6751".
    let admin: String
    /// The folder of the models' documents.
    let configuration: String
    let seed: UInt64
    let ink: Ink

    func run() throws(CommandError) {
        let good = try promoteGoodCandidate()
        let bad = try loseBadCandidate()
        chapter("The record")
        let lines = try kassa.runWrapped(["audit", "--verify", "--limit", "2"])
        try demand(lines.contains { $0.hasSuffix("none broken") }, "the audit log is not whole")
        for rollout in [good, bad] {
            let told = try explain(rollout)
            try demand(told.agrees && told.chainIntact, "rollout \(rollout) is not explained")
        }
        print(ink.paint("  Both rollouts, carried out again from their records, agree.", .calm))
    }

    // MARK: What the server says

    func status() throws(CommandError) -> KassaV1.RolloutStatus {
        try call(
            KassaV1.RolloutsService.status, KassaV1.RolloutStatusRequest(scorer: Self.scorer))
    }

    func explain(_ rollout: UInt64) throws(CommandError) -> KassaV1.ExplainRolloutResponse {
        try call(
            KassaV1.RolloutsService.explain, KassaV1.ExplainRolloutRequest(rolloutId: rollout))
    }

    func call<Response: WireMessage>(
        _ method: APIMethod, _ request: some WireMessage
    ) throws(CommandError) -> Response {
        do throws(ClientError) {
            return try client.call(method, request)
        } catch {
            throw .failed("\(error)")
        }
    }

    // MARK: Traffic

    /// Plays visitors until the server's status is such that `isDone`, with a line of evidence
    /// whenever the weight has changed, and now and then.
    func play(
        _ traffic: inout StoryTraffic, until isDone: (KassaV1.RolloutStatus) -> Bool
    ) throws(CommandError) -> KassaV1.RolloutStatus {
        let start = MonotonicTime.now()
        var (askedAt, toldAt) = (start, start)
        var toldWeight: String?
        while true {
            try traffic.advance()
            let now = MonotonicTime.now()
            guard seconds(askedAt, now) >= Self.statusSeconds else { continue }
            askedAt = now
            let status = try status()
            // Of a promotion the guard goes on to tell, without a weight.
            if let rollout = status.rollout, let guarded = status.guard,
                rollout.phase != .phasePromoted
            {
                if toldWeight == nil {
                    print(ink.paint(EvidenceTable.header(guarded), .faint))
                }
                let weight = EvidenceTable.weight(rollout)
                if toldWeight != weight || seconds(toldAt, now) >= Self.lineSeconds {
                    print(EvidenceTable.line(rollout, guarded))
                    fflush(nil)
                    (toldAt, toldWeight) = (now, weight)
                }
            }
            if isDone(status) { return status }
            if seconds(start, now) > Self.secondsMax {
                let holds = status.guard?.holds.joined(separator: ", ") ?? ""
                throw .failed(
                    "nothing has come of the candidate in \(Int(Self.secondsMax)) s: "
                        + "\(status.rollout?.phase.name ?? "no rollout"), held by \(holds)")
            }
        }
    }

    private func seconds(_ start: MonotonicTime, _ end: MonotonicTime) -> Double {
        Double(end.nanoseconds(since: start)) / 1e9
    }

    // MARK: Words

    func chapter(_ title: String) {
        let rule = String(repeating: "─", count: max(0, Text.narrowColumns - title.count - 4))
        print("")
        print(ink.paint("── \(title) \(rule)", .strong))
    }

    func say(_ words: String) {
        Text.wrapped("  \(words)", columns: Text.narrowColumns, indent: 0).forEach {
            print(ink.paint($0, .faint))
        }
    }

    func row(_ label: String, _ value: String, _ note: String = "") {
        let line = "  \(Text.left(label, 28))\(Text.right(value, 10))"
        print(note.isEmpty ? line : "\(line)   \(note)")
    }

    func demand(_ isSo: Bool, _ complaint: @autoclosure () -> String) throws(CommandError) {
        guard isSo else { throw .failed(complaint()) }
    }
}
