// SPDX-License-Identifier: Apache-2.0

/// What a rollout's evidence is computed from, but for when its bets began (``Onsets``).
///
/// Whole numbers only. Bad events, entities and pairs are counts; what labels add is summed in fixed
/// point. No order and no floating-point history is in it.
package struct EvidenceCounts: Equatable, Sendable {
    /// The counts under each share that the canary has had, in order of its first time.
    package internal(set) var shares: [ShareCounts] = []
    /// Entities that both models scored.
    package internal(set) var pairs: UInt64 = 0
    /// Of these, how many got different decisions.
    package internal(set) var differingPairs: UInt64 = 0
    /// Labels taken.
    package internal(set) var labels: UInt64 = 0
    /// Labels refused, because a probability was outside 0...1.
    package internal(set) var refusedLabels: UInt64 = 0
    /// The first breach of the contract.
    package internal(set) var violation: ContractViolation?
    /// The logarithms of the bets on labels.
    var labelSums = LabelSums()

    init() {
        shares.reserveCapacity(EvidenceLimits.sharesMax)
    }

    /// The products of all bets since the beginning, in the order of ``WeighedEvidence/mixtures``; the last
    /// are those on the split of entities.
    func products(_ bets: Bets) -> [LogValues] {
        var events = [LogValues](repeating: LogValues(), count: BadEvent.allCases.count)
        var sampleRatio = LogValues()
        for (index, share) in shares.enumerated() {
            for event in BadEvent.allCases {
                events[event.rawValue].add(bets.risk[index], times: share[event])
            }
            sampleRatio.add(bets.sampleRatio[index], times: share.entities)
        }
        let flips = bets.flips.values(pairs: pairs, differing: differingPairs)
        return events
            + [flips, labelSums.brier, labelSums.absolute, labelSums.relative, sampleRatio]
    }

    /// Entities by the model that was to answer them first, under all shares.
    package var entities: ArmCounts {
        shares.reduce(into: ArmCounts()) {
            $0.stable &+= $1.entities.stable
            $0.canary &+= $1.entities.canary
        }
    }

    /// First bad events of one kind, under all shares.
    package subscript(event: BadEvent) -> EventCounts {
        shares.reduce(into: EventCounts()) { $0.add($1[event]) }
    }
}

/// What labels add, in fixed point: a record by itself, because losses are no counts.
struct LabelSums: Equatable, Sendable {
    /// Of paired losses.
    var brier = LogValues()
    /// Of the canary's errors.
    var absolute = LogValues()
    /// Of the canary's differences from the stable model.
    var relative = LogValues()
}

/// What was counted while the canary had one share of entities.
package struct ShareCounts: Equatable, Sendable {
    /// The canary's share of entities, 0 to 1.
    package let share: Double
    /// Entities that arrived first under this share.
    package internal(set) var entities = ArmCounts()
    /// First errors of entities.
    package internal(set) var errors = EventCounts()
    /// First misses of the latency objective.
    package internal(set) var sloMisses = EventCounts()
    /// First fallbacks.
    package internal(set) var fallbacks = EventCounts()

    init(share: Double) {
        self.share = share
    }

    /// The counts of one kind of bad event.
    package subscript(event: BadEvent) -> EventCounts {
        get {
            switch event {
            case .error: errors
            case .sloMiss: sloMisses
            case .fallback: fallbacks
            }
        }
        set {
            switch event {
            case .error: errors = newValue
            case .sloMiss: sloMisses = newValue
            case .fallback: fallbacks = newValue
            }
        }
    }
}

/// What was counted since the present step of the rollout began.
package struct StepCounts: Equatable, Sendable {
    /// Steps begun before this one.
    package internal(set) var number: UInt64 = 0
    /// Different entities seen in this step.
    package internal(set) var entities = ArmCounts()
    /// The canary's requests.
    package internal(set) var canaryRequests: UInt64 = 0
    /// The canary's bad events by ``BadEvent``'s raw value; every one counts, repeated or not.
    package internal(set) var canaryBadEvents: [UInt64] = [0, 0, 0]

    init() {}
}
