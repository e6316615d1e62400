// SPDX-License-Identifier: Apache-2.0

internal import API

private let alphaFlag = Flag(
    name: "--alpha", value: "P",
    help: "How probable a needless rollback may be; 0.001.")
private let riskFlag = Flag(
    name: "--risk-max", value: "R", help: "Tolerate R times STABLE's bad events; 1.25.")
private let flipFlag = Flag(
    name: "--flip-max", value: "PERCENT", help: "Tolerate that many other decisions; 2.")
private let brierFlag = Flag(
    name: "--brier-margin", value: "B", help: "Tolerate a Brier score worse by B; 0.0005.")
private let calibrationFlag = Flag(
    name: "--calibration-margin", value: "PP",
    help: "Tolerate probabilities off by PP points; 1.")
private let sloFlag = Flag(
    name: "--slo", value: "US", help: "Microseconds that a score may take; 500.")
private let pairShareFlag = Flag(
    name: "--pair-share", value: "PERCENT", help: "Entities that both models score; 100.")
private let watchShareFlag = Flag(
    name: "--watch-share", value: "PERCENT",
    help: "Entities that PREVIOUS scores after a promotion; 5, 0 for none.")
private let thresholdFlag = Flag(
    name: "--threshold", value: "SCORE", help: "Where a decision turns; the scorer's by default.")
private let dwellFlag = Flag(
    name: "--dwell", value: "DURATION",
    help: "Take the steps by itself, each after so long or more.")
private let entitiesFlag = Flag(
    name: "--entities-min", value: "N",
    help: "Entities that it must have answered in a step; 10000.")
private let pairsFlag = Flag(
    name: "--pairs-min", value: "N", help: "Entities that both models must have scored; 1000.")
private let deadlineFlag = Flag(
    name: "--deadline", value: "DURATION",
    help: "Pause if it is not through so long after it began or was resumed; 7d.")
/// The longest duration of a policy.
private let policyDaysMax: UInt64 = 365

/// What a guard is to tolerate of a shadow.
let guardFlags = [
    alphaFlag, riskFlag, flipFlag, brierFlag, calibrationFlag, sloFlag, pairShareFlag,
    watchShareFlag, thresholdFlag,
]

/// When it is to give a canary more traffic by itself.
let advanceFlags = [dwellFlag, entitiesFlag, pairsFlag, deadlineFlag]

extension Arguments {
    /// The policy that the flags name; what none names is left to the server.
    func guardPolicy() throws(CommandError) -> KassaV1.GuardPolicy {
        func number(_ flag: Flag, scale: Double = 1) throws(CommandError) -> Double {
            guard let text = value(flag.name) else { return 0 }
            guard let number = Double(text), number.isFinite, number > 0 else {
                throw .usage("\(flag.name) must be a number above 0, not \"\(text)\"")
            }
            return number * scale
        }
        return KassaV1.GuardPolicy(
            alpha: try number(alphaFlag), relativeRiskMax: try number(riskFlag),
            flipRateMax: try number(flipFlag, scale: 0.01), brierMargin: try number(brierFlag),
            calibrationMarginPp: try number(calibrationFlag),
            sloMicroseconds: try integer(sloFlag.name, in: 1...60_000_000) ?? 0,
            pairSharePercent: try number(pairShareFlag),
            dwellMs: UInt64(try milliseconds(dwellFlag.name, daysMax: policyDaysMax) ?? 0),
            entitiesMin: try integer(entitiesFlag.name, in: 1...UInt64.max) ?? 0,
            pairsMin: try integer(pairsFlag.name, in: 1...UInt64.max) ?? 0,
            deadlineMs: UInt64(try milliseconds(deadlineFlag.name, daysMax: policyDaysMax) ?? 0),
            decisionThreshold: try number(thresholdFlag), watchSharePercent: try watchShare())
    }

    private func watchShare() throws(CommandError) -> Double? {
        guard let text = value(watchShareFlag.name) else { return nil }
        guard let share = Double(text), share >= 0, share <= 100 else {
            throw .usage("\(watchShareFlag.name) must be from 0 to 100, not \"\(text)\"")
        }
        return share
    }
}
