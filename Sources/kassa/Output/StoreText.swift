// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents

/// Sizes, times and reports about the store, as people and programs read them.
enum StoreText {
    /// "512 B", "3.4 MiB".
    static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        var unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1_024 {
            value /= 1_024
            unit = next
        }
        return "\(unit == "B" ? "\(count)" : ValueText.fixed(value, digits: 1)) \(unit)"
    }

    /// "2026-11-20 09:30:00 UTC"; a dash for none.
    static func time(_ microseconds: Int64) -> String {
        guard microseconds > 0 else { return "–" }
        let seconds = microseconds / 1_000_000
        // Days since 1 March of year 0: there a leap day is the last of its year.
        let day = seconds / 86_400 + 719_468
        let (era, dayOfEra) = day.quotientAndRemainder(dividingBy: 146_097)
        let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(era * 400 + year + (month >= 10 ? 1 : 0))-\(two(month < 10 ? month + 3 : month - 9))"
            + "-\(two(dayOfYear - (153 * month + 2) / 5 + 1))"
            + " \(two(seconds / 3_600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60)) UTC"
    }

    /// "1.2 s".
    static func duration(microseconds: UInt64) -> String {
        ValueText.age(milliseconds: Int64(clamping: microseconds / 1_000))
    }

    /// The lines about a finished look, with what to do if something is wrong.
    static func lines(_ report: KassaV1.ScanReport) -> [String] {
        var table = Table(["TABLE", "ENTRIES", "BYTES", "DAMAGED"], rightAligned: [1, 2, 3])
        for found in report.tables {
            table.add([
                found.name, "\(found.entries)", bytes(found.bytes),
                found.damaged == 0 ? "–" : "\(found.damaged)",
            ])
        }
        var lines = table.lines
        for found in report.tables {
            for key in found.damagedKeys {
                lines.append("damaged in \(found.name): \(text(ofKey: key))")
            }
        }
        return lines + report.problems
    }

    /// One line on how a look ended: "sound: 4,711 entries".
    static func summary(_ report: KassaV1.ScanReport) -> String {
        if report.sound { return "sound, \(counted(report.entries, "entry", "entries"))" }
        let damaged = report.tables.filter { $0.damaged > 0 }.map {
            "\(counted($0.damaged, "damaged entry", "damaged entries")) in \($0.name)"
        }
        return (damaged + report.problems).joined(separator: "; ")
    }

    /// A key's legible characters; the others are dots.
    static func text(ofKey key: [UInt8]) -> String {
        let text = String(
            decoding: key.map { (0x21...0x7E).contains($0) ? $0 : 0x2E }, as: UTF8.self)
        let hexadecimal = key.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\(text) (\(hexadecimal.joined()))"
    }

    private static func counted(_ count: UInt64, _ one: String, _ many: String) -> String {
        "\(count) \(count == 1 ? one : many)"
    }
}

extension KassaV1.ScanReport {
    var tree: Tree {
        .map([
            .init("number", .unsigned(number)), .init("was_asked_for", .flag(wasAskedFor)),
            .init("started_at_us", .integer(startedAtUs)),
            .init("finished_at_us", .integer(finishedAtUs)), .init("sound", .flag(sound)),
            .init("entries", .unsigned(entries)),
            .init("entries_expected", .unsigned(entriesExpected)),
            .init("damaged", .unsigned(damaged)),
            .init("problems", .list(problems.map { .text($0) })),
            .init(
                "tables",
                .list(
                    tables.map { table in
                        .map([
                            .init("name", .text(table.name)),
                            .init("entries", .unsigned(table.entries)),
                            .init("bytes", .unsigned(table.bytes)),
                            .init("damaged", .unsigned(table.damaged)),
                            .init(
                                "damaged_keys",
                                .list(table.damagedKeys.map { .text(StoreText.text(ofKey: $0)) })),
                        ])
                    })),
        ])
    }
}

extension KassaV1.SnapshotStoreResponse {
    /// Bytes of all files.
    var byteCount: UInt64 { files.reduce(0) { $0 &+ $1.byteCount } }

    var tree: Tree {
        .map([
            .init("folder", .text(folder)), .init("sequence", .unsigned(sequence)),
            .init("entries", .unsigned(entries)), .init("at_us", .integer(atUs)),
            .init("duration_us", .unsigned(durationUs)),
            .init("audit_refusal", .text(auditRefusal)),
            .init(
                "files",
                .list(
                    files.map { file in
                        .map([
                            .init("name", .text(file.name)),
                            .init("byte_count", .unsigned(file.byteCount)),
                            .init("sha256", .text(file.sha256)),
                        ])
                    })),
        ])
    }
}
