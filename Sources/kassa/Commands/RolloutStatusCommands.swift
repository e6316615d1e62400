// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Base
internal import Client
internal import Documents
internal import Glibc

private let watchFlag = Flag(name: "--watch", help: "Print a line for every change, until stopped.")
private let waitFlag = Flag(
    name: "--wait", help: "Wait for the verdict: exit 0 promoted, 1 rolled back, 2 inconclusive.")
private let deadlineFlag = Flag(
    name: "--deadline", value: "DURATION", help: "How long --wait waits; 10m by default.")
private let historyLimitFlag = Flag(
    name: "--limit", value: "N", help: "The most changes to show, up to 1000; 100 by default.")
private let beforeRevisionFlag = Flag(
    name: "--before", value: "N", help: "Only changes that made a revision below N.")

let rolloutStatusCommand = Command(
    name: "rollout status",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Show what is in a scorer's slots, and its rollout.",
    discussion: """
        With --wait it exits when the rollout has ended: 0 if the candidate was promoted, or no
        rollout is open; 1 if it was rolled back or aborted; 2 if neither by the deadline.

        examples:
          kassa rollout status cart_abandonment
          kassa rollout status cart_abandonment --watch
          kassa rollout status cart_abandonment --wait --deadline 30m
        """,
    flags: [watchFlag, waitFlag, deadlineFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let scorer = arguments.operands[0]
        let client = try arguments.connect()
        let status = try status(of: scorer, client)
        guard arguments.has(watchFlag.name) || arguments.has(waitFlag.name) else {
            if arguments.has(jsonFlag.name) {
                print(status.tree.json())
            } else {
                let last = try lastChange(to: status, client).map { ["last change: \($0)"] } ?? []
                Screen.print(status.lines + last + [try driftReport(of: scorer, client).line])
            }
            return
        }
        let seconds = (try arguments.milliseconds(deadlineFlag.name) ?? 600_000)
        let deadline =
            arguments.has(waitFlag.name)
            ? MonotonicTime.now().advanced(byNanoseconds: UInt64(seconds) * 1_000_000)
            : .distantFuture
        try follow(
            status, client, until: deadline, isWaiting: arguments.has(waitFlag.name),
            asJSON: arguments.has(jsonFlag.name))
    })

let rolloutHistoryCommand = Command(
    name: "rollout history",
    operands: "SCORER",
    operandCount: 1...1,
    summary: "Show what was done to a scorer's slots, newest first.",
    discussion: """
        example:
          kassa rollout history cart_abandonment --limit 20
        """,
    flags: [historyLimitFlag, beforeRevisionFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let request = KassaV1.RolloutHistoryRequest(
            scorer: arguments.operands[0],
            limit: try arguments.integer(historyLimitFlag.name, in: 1...1_000) ?? 0,
            beforeRevision: try arguments.integer(beforeRevisionFlag.name, in: 1...UInt64.max) ?? 0)
        let client = try arguments.connect()
        let response: KassaV1.RolloutHistoryResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.RolloutsService.history, request)
        }
        show(response.transitions, asJSON: arguments.has(jsonFlag.name))
    })

let rolloutExplainCommand = Command(
    name: "rollout explain",
    operands: "ID",
    operandCount: 1...1,
    summary: "Show one rollout from its records, carried out again.",
    discussion: """
        Every recorded verb is carried out again and must give what was recorded; the links of the
        audit log are recomputed. Exits with 1 when anything disagrees. All of it is checked, also
        what is left out because there is no room for it: --before shows that.

        examples:
          kassa rollout explain 17
          kassa rollout explain 17 --before 120
        """,
    flags: [historyLimitFlag, beforeRevisionFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        guard let id = UInt64(arguments.operands[0]) else {
            throw .usage("ID must be a rollout's number, as `kassa rollout status` shows it")
        }
        let request = KassaV1.ExplainRolloutRequest(
            rolloutId: id,
            limit: try arguments.integer(historyLimitFlag.name, in: 1...1_000) ?? 0,
            beforeRevision: try arguments.integer(beforeRevisionFlag.name, in: 1...UInt64.max) ?? 0)
        let client = try arguments.connect()
        let response: KassaV1.ExplainRolloutResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.RolloutsService.explain, request)
        }
        if arguments.has(jsonFlag.name) {
            var entries: [Tree.Entry] = [
                .init("scorer", .text(response.scorer)),
                .init("transitions", .list(response.transitions.map(\.tree))),
                .init("left_out", .unsigned(response.leftOut)),
                .init("agrees", .flag(response.agrees)),
                .init("disagreement", .text(response.disagreement)),
                .init("chain_intact", .flag(response.chainIntact)),
            ]
            if let watched = response.`guard` { entries.append(.init("guard", watched.tree)) }
            print(Tree.map(entries).json())
        } else {
            show(response.transitions, asJSON: false)
            if response.leftOut > 0, let first = response.transitions.first {
                print("\(response.leftOut) earlier ones left out: --before \(first.revision)")
            }
            if Screen.columns != nil { print("") }
            Screen.print(
                (response.`guard`?.lines ?? []) + [
                    "replayed: \(response.agrees ? "agrees" : response.disagreement)",
                    "audit log: \(response.chainIntact ? "intact" : "a link is broken")",
                ])
        }
        guard response.agrees, response.chainIntact else {
            throw .failed("the records of rollout \(id) do not agree")
        }
    })

private func status(
    of scorer: String, _ client: Client
) throws(CommandError) -> KassaV1.RolloutStatus {
    try asking { () throws(ClientError) in
        try client.call(
            KassaV1.RolloutsService.status, KassaV1.RolloutStatusRequest(scorer: scorer))
    }
}

/// Who made a scorer's slots what they are, and why: "roll-back by guard: fallbacks: 12 of ..."; nil if nobody
/// has, or somebody has changed them again meanwhile.
private func lastChange(
    to status: KassaV1.RolloutStatus, _ client: Client
) throws(CommandError) -> String? {
    let request = KassaV1.RolloutHistoryRequest(
        scorer: status.scorer, limit: 1, beforeRevision: status.revision &+ 1)
    let response: KassaV1.RolloutHistoryResponse = try asking { () throws(ClientError) in
        try client.call(KassaV1.RolloutsService.history, request)
    }
    guard let last = response.transitions.first, last.revision == status.revision else {
        return nil
    }
    return last.sentence
}

/// Prints a line for each revision; returns when a rollout that is waited for ends well.
private func follow(
    _ first: KassaV1.RolloutStatus, _ client: Client, until deadline: MonotonicTime,
    isWaiting: Bool, asJSON: Bool
) throws(CommandError) {
    var last = first
    var why: String?
    func tell() throws(CommandError) {
        why = try lastChange(to: last, client)
        if asJSON {
            print(last.tree.json())
        } else {
            Screen.print([last.line + (why.map { "; \($0)" } ?? "")])
        }
        fflush(nil)
    }
    try tell()
    while true {
        if isWaiting {
            switch last.rollout?.phase {
            case .phaseRolledBack, .phaseAborted:
                throw .failed(
                    "\(last.scorer): \(last.line)" + (why.map { "; \($0)" } ?? ""))
            case .phaseShadow, .phaseCanary, .phasePaused: break
            default: return
            }
            guard MonotonicTime.now() < deadline else {
                throw .inconclusive("\(last.scorer): no verdict by the deadline")
            }
        }
        usleep(200_000)
        let next = try status(of: last.scorer, client)
        guard next.revision != last.revision else { continue }
        last = next
        try tell()
    }
}

private func show(_ transitions: [KassaV1.RolloutTransition], asJSON: Bool) {
    if asJSON {
        print(Tree.list(transitions.map(\.tree)).json())
        return
    }
    guard !transitions.isEmpty else {
        print("no changes")
        return
    }
    var table = Table(
        [
            "REVISION", "WHEN", "WHO", "VERB", "ROLLOUT", "CANDIDATE", "PHASE", "WEIGHT", "STABLE",
            "WHY",
        ],
        rightAligned: [0, 4, 7], titles: 4)
    for transition in transitions { table.add(transition.row) }
    table.print()
}
