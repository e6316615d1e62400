// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

extension KassaV1.GuardStatus {
    /// What evidence says, without what only a guard knows.
    init(_ evidence: Evidence) {
        let counts = evidence.counts
        func count(_ name: String, _ arms: ArmCounts) -> KassaV1.GuardCount {
            KassaV1.GuardCount(name: name, stable: arms.stable, candidate: arms.canary)
        }
        self.init(
            verdict: evidence.verdict.name, logEvidence: evidence.logEvidence,
            logThreshold: evidence.logThreshold, logFreeze: evidence.logFreeze,
            components: EvidenceComponent.allCases.map {
                KassaV1.GuardComponent(
                    name: $0.name, weight: evidence.rule.weights[$0.rawValue],
                    logEvidence: evidence.logEvidence(of: $0))
            },
            counts: [count("entities", counts.entities)]
                + BadEvent.allCases.map {
                    count(EvidenceComponent($0).name, counts[$0].arms)
                },
            pairs: counts.pairs, differingPairs: counts.differingPairs, labels: counts.labels,
            violation: counts.violation?.words ?? "", ruleVersion: UInt32(EvidenceRule.version))
    }
}

extension Evidence {
    /// Why the model on trial goes, in a sentence that names the cause first.
    ///
    /// - Parameters:
    ///   - causes: what was the matter where that is known.
    ///   - sloMicroseconds: what a score may take.
    func rollbackReason(
        _ mode: WatchMode, _ causes: [KassaV1.GuardCause], sloMicroseconds: UInt32
    ) -> String {
        if let violation = counts.violation {
            return "contract violation: \(violation.words)"
        }
        let cause = leadingComponent
        return
            "\(words(of: cause, mode, causes, sloMicroseconds)); log evidence "
            + "\(Self.text(logEvidence(of: cause))), merged \(Self.text(logEvidence)) reached "
            + Self.text(logThreshold)
    }

    /// What the component that speaks loudest has seen: "fallbacks: 12 of 40 entities of the candidate had a
    /// fallback, 0 of 93 of STABLE: STALE profile.visits (12)".
    func suspicion(
        _ mode: WatchMode, _ causes: [KassaV1.GuardCause], sloMicroseconds: UInt32
    ) -> String {
        words(of: leadingComponent, mode, causes, sloMicroseconds)
    }

    private func words(
        of component: EvidenceComponent, _ mode: WatchMode, _ causes: [KassaV1.GuardCause],
        _ sloMicroseconds: UInt32
    ) -> String {
        let found = words(of: component, mode)
        var known = CauseWords.text(causes, of: component.name, ofTrial: true)
        if component == .sloMisses {
            let limit = CauseWords.milliseconds(UInt64(sloMicroseconds))
            known = "over \(limit) ms" + (known.isEmpty ? "" : ", \(known)")
        }
        return "\(component.name): \(found)" + (known.isEmpty ? "" : ": \(known)")
    }

    private func words(of component: EvidenceComponent, _ mode: WatchMode) -> String {
        let models = mode.words
        // Where requests are compared, nobody belongs to one of the two models.
        let all = mode.comparesRequests ? ArmCounts() : counts.entities
        func arms(_ event: BadEvent, _ noun: String) -> String {
            let bad = counts[event].arms
            func of(_ arm: Arm) -> String {
                all[arm] >= bad[arm] && all[arm] > 0
                    ? "\(bad[arm]) of \(all[arm])" : "\(bad[arm])"
            }
            return "\(of(.canary)) entities of \(models.trial) \(noun), "
                + "\(of(.stable)) of \(models.reference)"
        }
        switch component {
        case .errors: return arms(.error, "had an error")
        case .sloMisses: return arms(.sloMiss, "waited too long")
        case .fallbacks: return arms(.fallback, "had a fallback")
        case .decisionFlips:
            return "\(counts.differingPairs) of \(counts.pairs) entities are decided differently"
        case .pairedBrier: return "worse than \(models.reference) on \(counts.labels) outcomes"
        case .calibration: return "its probabilities miss \(counts.labels) outcomes"
        }
    }

    /// "8.41".
    private static func text(_ value: Double) -> String {
        let hundredths = Int((min(max(value, -1e6), 1e6) * 100).rounded())
        let digits = "\(abs(hundredths) % 100)"
        return (hundredths < 0 ? "-" : "") + "\(abs(hundredths) / 100)."
            + (digits.count < 2 ? "0" : "") + digits
    }
}
