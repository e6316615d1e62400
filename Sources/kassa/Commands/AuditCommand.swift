// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Client
internal import Documents

private let limitFlag = Flag(
    name: "--limit", value: "N", help: "The most records to show, up to 1000; 100 by default.")
private let beforeFlag = Flag(
    name: "--before", value: "N", help: "Only records with a number below N.")

private let verifyFlag = Flag(
    name: "--verify", help: "Recompute the link of every record; exit 1 if one is broken.")

let auditCommand = Command(
    name: "audit",
    summary: "Show who changed what and why, newest first.",
    discussion: """
        Every apply, every model that came or went and every rollout's change has left a record. Each
        holds the digest of the one before, so that none can be altered or left out unnoticed.

        examples:
          kassa audit --limit 20
          kassa audit --before 4711 --json
          kassa audit --verify
        """,
    flags: [limitFlag, beforeFlag, verifyFlag] + serverFlags,
    run: { arguments throws(CommandError) in
        let request = KassaV1.AuditRequest(
            limit: try arguments.integer(limitFlag.name, in: 1...1_000) ?? 0,
            before: try arguments.integer(beforeFlag.name, in: 1...UInt64.max) ?? 0,
            verify: arguments.has(verifyFlag.name))
        let client = try arguments.connect()
        let response: KassaV1.AuditResponse = try asking { () throws(ClientError) in
            try client.call(KassaV1.ConfigService.audit, request)
        }
        if response.brokenAt > 0 {
            throw .failed("record \(response.brokenAt) of the audit log is missing or altered")
        }
        if arguments.has(jsonFlag.name) {
            print(Tree.list(response.entries.map(\.tree)).json())
            return
        }
        guard !response.entries.isEmpty else {
            print("no records")
            return
        }
        var table = Table(
            ["NUMBER", "WHEN", "WHO", "ACTION", "EPOCH", "WHY", "WHAT"], rightAligned: [0, 4],
            titles: 4)
        for entry in response.entries { table.add(entry.row) }
        table.print()
        if request.verify { print("\(response.verified) records linked, none broken") }
    })

extension KassaV1.AuditEntry {
    /// Number, when, who, action, epoch, why and what, the last in one line.
    var row: [String] {
        [
            "\(sequence)", utcText(microseconds: atUs), ValueText.printable(actor), action,
            "\(epoch)",
            ValueText.printable(reason), ValueText.printable(details.joined(separator: "; ")),
        ]
    }

    var tree: Tree {
        .map([
            .init("sequence", .unsigned(sequence)), .init("at_us", .integer(atUs)),
            .init("actor", .text(actor)), .init("action", .text(action)),
            .init("reason", .text(reason)), .init("epoch", .unsigned(epoch)),
            .init("details", .list(details.map { .text($0) })),
            .init("sha256", .text(hexadecimalText(sha256))),
            .init("previous_sha256", .text(hexadecimalText(previousSha256))),
        ])
    }
}

/// "2026-11-20T09:30:00Z".
func utcText(microseconds: Int64) -> String {
    let seconds = microseconds / 1_000_000
    let (day, time) = (seconds / 86_400, seconds % 86_400)
    // Years that begin in March, in eras of 400: leap days so come last.
    let shifted = day + 719_468
    let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)
    let leaps = dayOfEra / 1_460 - dayOfEra / 36_524 + dayOfEra / 146_096
    let yearOfEra = (dayOfEra - leaps) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let march = (5 * dayOfYear + 2) / 153
    let month = march < 10 ? march + 3 : march - 9
    let year = 400 * era + yearOfEra + (month <= 2 ? 1 : 0)
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(year)-\(two(month))-\(two(dayOfYear - (153 * march + 2) / 5 + 1))"
        + "T\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60))Z"
}
