// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Documents

/// What became of outcomes: counts, and those that were not taken.
struct OutcomeText {
    /// Refused outcomes that are listed.
    static let listedMax = 20

    private(set) var count = 0
    private var counts: [Int32: Int] = [:]
    private var refused: [(id: String, status: KassaV1.OutcomeStatus)] = []

    private static let statuses: [(status: KassaV1.OutcomeStatus, word: String)] = [
        (.outcomeAccepted, "accepted"), (.outcomeDuplicate, "duplicate"),
        (.outcomeConflicting, "conflicting"), (.outcomeUnknown, "unknown"),
        (.outcomeLate, "late"),
    ]

    /// Outcomes that are neither accepted nor known already.
    var refusedCount: Int {
        count - number(.outcomeAccepted) - number(.outcomeDuplicate)
    }

    mutating func add(_ outcomes: [KassaV1.Outcome], _ statuses: [KassaV1.OutcomeStatus]) {
        count += outcomes.count
        for (outcome, status) in zip(outcomes, statuses) {
            counts[status.rawValue, default: 0] += 1
            let isTaken = status == .outcomeAccepted || status == .outcomeDuplicate
            if !isTaken, refused.count < Self.listedMax {
                refused.append((outcome.scoreId, status))
            }
        }
    }

    private func number(_ status: KassaV1.OutcomeStatus) -> Int { counts[status.rawValue] ?? 0 }

    private static func word(_ status: KassaV1.OutcomeStatus) -> String {
        statuses.first { $0.status == status }?.word ?? status.name
    }

    var lines: [String] {
        let words = Self.statuses.filter { number($0.status) > 0 }
            .map { "\(number($0.status)) \($0.word)" }
        let first =
            "\(count) outcomes" + (words.isEmpty ? "" : ": ") + words.joined(separator: ", ")
        return [first] + refused.map { "  \(ValueText.printable($0.id)) \(Self.word($0.status))" }
    }

    var tree: Tree {
        .map(
            [.init("outcomes", .integer(Int64(count)))]
                + Self.statuses.map { .init($0.word, .integer(Int64(number($0.status)))) }
                + [
                    .init(
                        "refused",
                        .list(
                            refused.map {
                                .map([
                                    .init("score_id", .text($0.id)),
                                    .init("status", .text(Self.word($0.status))),
                                ])
                            }))
                ])
    }
}

/// How well the models of a scorer agree with outcomes.
struct CalibrationText {
    let response: KassaV1.GetCalibrationResponse

    var lines: [String] {
        var lines = [
            "\(response.recordedScores) scores recorded, \(response.openScores) not mature"
        ]
        guard !response.slots.isEmpty else { return lines + ["no outcome has counted yet"] }
        var table = Table(
            [
                "SLOT", "BUNDLE", "LABELS", "POSITIVE", "BRIER", "LOG LOSS", "OBSERVED/EXPECTED",
                "ECE",
            ],
            rightAligned: [2, 3, 4, 5, 6, 7])
        for slot in response.slots {
            table.add([
                slot.slot.name, Tree.hexadecimal(slot.bundlePrefix), "\(slot.labels)",
                "\(slot.positives)", Self.text(slot.brier), Self.text(slot.logLoss),
                Self.text(slot.observedOverExpected), Self.text(slot.expectedCalibrationError),
            ])
        }
        lines += table.lines
        for slot in response.slots where slot.refusedLabels > 0 {
            lines.append(
                "\(slot.slot.name): \(slot.refusedLabels) labels of scores outside 0 to 1 are left out"
            )
        }
        return lines
    }

    private static func text(_ number: Double?) -> String {
        number.map { ValueText.fixed($0, digits: 5) } ?? "–"
    }

    var tree: Tree {
        let slots = response.slots.map { slot -> Tree in
            .map([
                .init("slot", .text(slot.slot.name)),
                .init("bundle_prefix", .text(Tree.hexadecimal(slot.bundlePrefix))),
                .init("labels", .unsigned(slot.labels)),
                .init("positives", .unsigned(slot.positives)),
                .init("refused_labels", .unsigned(slot.refusedLabels)),
                .init("brier", slot.brier.map { .number($0) } ?? .null),
                .init("log_loss", slot.logLoss.map { .number($0) } ?? .null),
                .init(
                    "observed_over_expected",
                    slot.observedOverExpected.map { .number($0) } ?? .null),
                .init(
                    "expected_calibration_error",
                    slot.expectedCalibrationError.map { .number($0) } ?? .null),
            ])
        }
        return .map([
            .init("recorded_scores", .unsigned(response.recordedScores)),
            .init("open_scores", .unsigned(response.openScores)), .init("slots", .list(slots)),
        ])
    }
}
