// SPDX-License-Identifier: Apache-2.0

/// A stored verdict, drawn again from the stored counts and starts.
package struct EvidenceExplanation: Equatable, Sendable {
    /// One component's part in the verdict.
    package struct Part: Equatable, Sendable {
        /// Which component.
        package let component: EvidenceComponent
        /// Its weight in the merge.
        package let weight: Double
        /// Its evidence as a natural logarithm, recomputed.
        package let logEvidence: Double
        /// The same as it was recorded.
        package let recordedLogEvidence: Double
    }

    /// The rule's version.
    package let ruleVersion: UInt16
    /// The rule.
    package let rule: EvidenceRule
    /// The counts that all follows from.
    package let counts: EvidenceCounts
    /// The components in their order.
    package let parts: [Part]
    /// The merged evidence as a natural logarithm, recomputed.
    package let logEvidence: Double
    /// The same as it was recorded.
    package let recordedLogEvidence: Double
    /// The evidence from which on a canary goes, as a natural logarithm.
    package let logThreshold: Double
    /// The verdict that follows from the counts.
    package let verdict: EvidenceVerdict
    /// The verdict that was recorded.
    package let recordedVerdict: EvidenceVerdict

    /// Whether what was recomputed equals what was recorded, bit for bit.
    package var agrees: Bool {
        verdict == recordedVerdict
            && logEvidence.bitPattern == recordedLogEvidence.bitPattern
            && parts.allSatisfy {
                $0.logEvidence.bitPattern == $0.recordedLogEvidence.bitPattern
            }
    }

    /// Explains a record that ``Evidence/encoded()`` made.
    package init(of bytes: Span<UInt8>) throws(EvidenceError) {
        let record = try EvidenceRecord(bytes)
        let evidence = record.evidence
        ruleVersion = record.ruleVersion
        rule = evidence.rule
        counts = evidence.counts
        parts = EvidenceComponent.allCases.map { component in
            Part(
                component: component, weight: evidence.rule.weights[component.rawValue],
                logEvidence: evidence.logEvidence(of: component),
                recordedLogEvidence: record.recordedComponents[component.rawValue])
        }
        logEvidence = evidence.logEvidence
        recordedLogEvidence = record.recordedMerged
        logThreshold = -Logarithm.natural(rule.alpha)
        verdict = EvidenceVerdict(
            rule: rule, merged: logEvidence, violation: counts.violation,
            sampleRatioAlarm: evidence.isSplitAlarmSound)
        recordedVerdict = record.recordedVerdict
    }
}
