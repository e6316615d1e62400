// SPDX-License-Identifier: Apache-2.0

internal import API
internal import Rollout

/// Draws the guards' verdicts again from recorded counts.
enum EvidenceReplay {
    /// Where what is recomputed is not what was recorded, bit for bit; nil if nowhere.
    static func disagreement(in records: [KassaV1.RolloutTransition]) -> String? {
        for record in records where !record.evidence.isEmpty {
            let bytes = record.evidence
            do throws(EvidenceError) {
                let explanation = try EvidenceExplanation(of: bytes.span)
                guard explanation.agrees else {
                    return "revision \(record.revision): the counts give "
                        + "\(explanation.verdict.name) at log evidence "
                        + "\(explanation.logEvidence), recorded were "
                        + "\(explanation.recordedVerdict.name) at "
                        + "\(explanation.recordedLogEvidence)"
                }
            } catch {
                return "revision \(record.revision): its evidence cannot be read"
            }
            if record.verb == "roll-back", record.actor == "guard",
                status(in: [record])?.verdict != "ROLLBACK"
            {
                return "revision \(record.revision): its evidence asks for no rollback"
            }
        }
        return nil
    }

    /// The last recorded evidence, computed again.
    static func status(in records: [KassaV1.RolloutTransition]) -> KassaV1.GuardStatus? {
        guard let record = records.last(where: { !$0.evidence.isEmpty }) else { return nil }
        let bytes = record.evidence
        guard let evidence = try? Evidence(decoding: bytes.span) else { return nil }
        var status = KassaV1.GuardStatus(evidence)
        status.samples = record.samples
        status.causes = record.causes
        return status
    }
}
