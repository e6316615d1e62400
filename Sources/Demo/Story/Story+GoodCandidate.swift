// SPDX-License-Identifier: Apache-2.0

internal import API

extension Story {
    /// A model that was trained again: beside STABLE first, then by steps into its place.
    ///
    /// Returns the rollout's number.
    func promoteGoodCandidate() throws(CommandError) -> UInt64 {
        var traffic = StoryTraffic(client: client, name: "a", seed: seed &+ 1)
        chapter("A retrained model, as a shadow")
        try kassa.runWrapped(["model", "upload", "\(configuration)/retrained.model.yaml"])
        try kassa.runWrapped(
            ["rollout", "shadow", Self.scorer, "--model", "abandonment@2", "--flip-max", "6"]
                + Self.objectiveFlags + ["--reason", "trained again"])
        say(
            "The shop goes on. Both models score every visitor; only abandonment@1 answers. Log E is "
                + "the evidence against the candidate: what is below 0 speaks for it.")
        let shadowed = try play(&traffic) { status in
            guard let guarded = status.guard, status.rollout?.phase == .phaseShadow else {
                return true
            }
            return guarded.pairs >= 2_000 && guarded.labels >= 1_000
        }
        try demand(
            shadowed.rollout?.phase == .phaseShadow && traffic.answers["abandonment@2"] == nil,
            "the shadow has not stayed one: \(shadowed.rollout?.phase.name ?? "gone")")
        try comparePairs(shadowed)

        chapter("The same as a canary: 5 %, 25 %, 100 %")
        say(
            "The server takes the steps by itself, when traffic has shown what it must. The floors are "
                + "small, because a demo has to end: a second and 200 entities a step, instead of hours "
                + "and 10 000.")
        try kassa.runWrapped(
            ["rollout", "canary", Self.scorer, "--weight", "5", "--steps", "25,100"]
                + Self.advanceFlags + ["--reason", "good as a shadow"])
        let promoted = try play(&traffic) { status in !(status.rollout?.phase.isOpen ?? false) }
        let rollout = promoted.rollout?.id ?? 0
        try demand(
            promoted.rollout?.phase == .phasePromoted,
            "the good canary was not promoted: \(promoted.rollout?.phase.name ?? "gone")")
        for step in try explain(rollout).transitions where step.actor == "guard" {
            let to =
                step.phase == .phasePromoted
                ? "STABLE" : EvidenceTable.percent(step.weightPercent)
            print(
                ink.paint(
                    "  \(Text.clock(microseconds: step.atUs))  the guard: "
                        + "\(EvidenceTable.percent(step.weightPercentBefore)) → \(to)", .calm))
        }
        row("answers of abandonment@1", Text.count(traffic.answers["abandonment@1"] ?? 0))
        row("answers of abandonment@2", Text.count(traffic.answers["abandonment@2"] ?? 0))
        row("outcomes reported", Text.count(traffic.outcomes), "counted at an age of 1 s")
        try demand(
            promoted.slots.first { $0.slot == .stable }?.model == "abandonment@2",
            "STABLE is not what was promoted")
        return rollout
    }

    /// Both models on the same visitors.
    private func comparePairs(_ status: KassaV1.RolloutStatus) throws(CommandError) {
        guard let guarded = status.guard else { throw .failed("the shadow is not watched") }
        guard
            let delta = try MetricsPage(of: admin).mean(
                of: "kassa_pair_score_delta", labels: "scorer=\"\(Self.scorer)\"")
        else { throw .failed("the server has compared no scores") }
        row("scores differ by", Text.fixed(delta, digits: 4), "in the mean")
        row(
            "decided differently", Text.count(Int(clamping: guarded.differingPairs)),
            "of \(Text.count(Int(clamping: guarded.pairs))) scored by both; 6 % allowed")
        let response: KassaV1.GetCalibrationResponse = try call(
            KassaV1.ScoringService.getCalibration,
            KassaV1.GetCalibrationRequest(scorer: Self.scorer))
        for slot in response.slots {
            guard let brier = slot.brier else { continue }
            row(
                "Brier score of \(slot.slot.name)", Text.fixed(brier, digits: 5),
                "over \(Text.count(Int(clamping: slot.labels))) outcomes")
        }
        try demand(
            response.slots.count { $0.labels > 0 } == 2, "outcomes have not counted for both models"
        )
    }
}

extension KassaV1.RolloutPhase {
    /// Whether a rollout in it goes on.
    var isOpen: Bool { self == .phaseShadow || self == .phaseCanary || self == .phasePaused }
}
