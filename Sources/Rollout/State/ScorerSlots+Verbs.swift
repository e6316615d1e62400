// SPDX-License-Identifier: Apache-2.0

/// The number and the salt that a rollout gets if a verb begins one.
package struct RolloutDraw: Hashable, Sendable {
    let id: UInt64
    let salt: String

    /// A number that no rollout had, and the salt of its assignment.
    package init(id: UInt64, salt: String) {
        self.id = id
        self.salt = salt
    }
}

/// What a verb did to a scorer's slots.
package struct SlotChange: Hashable, Sendable {
    /// The slots afterwards.
    package let slots: ScorerSlots
    /// Whether they differ from before; a repeated verb changes nothing.
    package let isChange: Bool
    /// A digest that is to be kept out of slots from now on.
    package let quarantined: [UInt8]?
}

extension ScorerSlots {
    /// The slots after `verb`.
    ///
    /// - Parameters:
    ///   - expected: the revision that the caller has seen; nil means any. The revision before the
    ///     present one is fine too if the same verb made the present one: a retry.
    ///   - draw: what a rollout that begins is called.
    ///   - isQuarantined: whether a digest is kept out of slots.
    /// - Throws: why the verb makes no sense now; nothing has changed then.
    package func applying(
        _ verb: Verb, expecting expected: UInt64? = nil, as draw: RolloutDraw,
        isQuarantined: ([UInt8]) -> Bool = { _ in false }
    ) throws(RolloutRefusal) -> SlotChange {
        if let expected, expected != revision {
            guard revision > 0, expected == revision - 1, lastVerb == verb.description else {
                throw .otherRevision(revision)
            }
            return SlotChange(slots: self, isChange: false, quarantined: nil)
        }
        var next = self
        let quarantined = try next.carryOut(verb, draw, isQuarantined)
        if let quarantined, next.previous?.digest == quarantined { next.previous = nil }
        if next.previous == nil { next.promotion = nil }
        guard next != self else {
            return SlotChange(slots: self, isChange: false, quarantined: quarantined)
        }
        next.revision &+= 1
        next.lastVerb = verb.description
        return SlotChange(slots: next, isChange: true, quarantined: quarantined)
    }

    /// Carries `verb` out; returns the digest that it puts into quarantine.
    private mutating func carryOut(
        _ verb: Verb, _ draw: RolloutDraw, _ isQuarantined: ([UInt8]) -> Bool
    ) throws(RolloutRefusal) -> [UInt8]? {
        switch verb {
        case .shadow(let bundle):
            if shadow == bundle { return nil }
            try begin(bundle, .shadow, .none, [], draw, isQuarantined)
        case .canary(let bundle, let weight, let steps):
            try beginCanary(bundle, weight, steps, draw, isQuarantined)
        case .setWeight(let weight): try setWeight(weight, isQuarantined)
        case .pause: try turn(to: .paused, from: .canary)
        case .resume: try resume(isQuarantined)
        case .promote(let isFull): try promote(isFull, isQuarantined)
        case .abort: try abort()
        case .undo: return try undo(isQuarantined)
        case .rollBack: return try rollBack(isQuarantined)
        case .quarantine(let digest): return try quarantine(digest)
        case .releasePrevious: previous = nil
        }
        return nil
    }

    private mutating func begin(
        _ bundle: Bundle, _ phase: RolloutPhase, _ weight: Weight, _ steps: [Weight],
        _ draw: RolloutDraw, _ isQuarantined: ([UInt8]) -> Bool
    ) throws(RolloutRefusal) {
        if let openRollout { throw .openRollout(openRollout) }
        guard bundle.digest != stable.digest else { throw .isStable }
        guard !isQuarantined(bundle.digest) else { throw .quarantined }
        rollout = RolloutState(
            id: draw.id, salt: draw.salt, candidate: bundle, baseline: stable, phase: phase,
            weight: weight, steps: steps)
    }

    private mutating func beginCanary(
        _ bundle: Bundle, _ weight: Weight, _ steps: [Weight], _ draw: RolloutDraw,
        _ isQuarantined: ([UInt8]) -> Bool
    ) throws(RolloutRefusal) {
        guard weight > .none else { throw .noWeight }
        guard steps.count <= RolloutLimits.stepsMax else { throw .tooManySteps }
        guard zip([weight] + steps, steps).allSatisfy({ $0 < $1 }) else { throw .stepsDoNotRise }
        if shadow == bundle {
            guard !isQuarantined(bundle.digest) else { throw .quarantined }
            rollout?.phase = .canary
            rollout?.weight = weight
            rollout?.steps = steps
            return
        }
        if canary == bundle, rollout?.phase == .canary, rollout?.weight == weight,
            rollout?.steps == steps
        {
            return
        }
        try begin(bundle, .canary, weight, steps, draw, isQuarantined)
    }

    private mutating func setWeight(
        _ weight: Weight, _ isQuarantined: ([UInt8]) -> Bool
    ) throws(RolloutRefusal) {
        guard let rollout = openRollout else { throw .noRollout }
        switch rollout.phase {
        case .canary: break
        case .paused: guard weight <= rollout.weight else { throw .risesWhilePaused }
        case .shadow, .promoted, .aborted, .rolledBack: throw .wrongPhase(rollout.phase)
        }
        // Less is always allowed.
        if weight > rollout.weight, isQuarantined(rollout.candidate.digest) {
            throw .quarantinedCandidate
        }
        self.rollout?.weight = weight
    }

    private mutating func resume(_ isQuarantined: ([UInt8]) -> Bool) throws(RolloutRefusal) {
        if let open = openRollout, open.phase == .paused, isQuarantined(open.candidate.digest) {
            throw .quarantinedCandidate
        }
        try turn(to: .canary, from: .paused)
    }

    private mutating func turn(
        to phase: RolloutPhase, from other: RolloutPhase
    ) throws(RolloutRefusal) {
        guard let rollout = openRollout else { throw .noRollout }
        guard rollout.phase == phase || rollout.phase == other else {
            throw .wrongPhase(rollout.phase)
        }
        self.rollout?.phase = phase
    }

    private mutating func promote(
        _ isFull: Bool, _ isQuarantined: ([UInt8]) -> Bool
    ) throws(RolloutRefusal) {
        guard let rollout = openRollout else {
            if self.rollout?.phase == .promoted { return }
            throw .noRollout
        }
        guard !isQuarantined(rollout.candidate.digest) else { throw .quarantinedCandidate }
        if !isFull {
            guard rollout.phase != .shadow else { throw .shadowNeedsFull }
            if let step = rollout.nextStep {
                self.rollout?.phase = .canary
                self.rollout?.weight = step
                return
            }
        }
        // One that somebody has put into quarantine meanwhile is nothing to go back to.
        previous = isQuarantined(stable.digest) ? nil : stable
        stable = rollout.candidate
        end(.promoted)
        promotion = self.rollout
    }

    private mutating func abort() throws(RolloutRefusal) {
        switch rollout?.phase {
        case .shadow, .canary, .paused: end(.aborted)
        case .aborted, .rolledBack: break
        case .promoted: throw .wrongPhase(.promoted)
        case nil: throw .noRollout
        }
    }

    private mutating func undo(
        _ isQuarantined: ([UInt8]) -> Bool
    ) throws(RolloutRefusal) -> [UInt8]? {
        if let openRollout { throw .openRollout(openRollout) }
        guard let previous else {
            guard lastVerb == Verb.undo.description else { throw .nothingToUndo }
            return nil
        }
        guard !isQuarantined(previous.digest) else { throw .quarantinedPrevious }
        let digest = stable.digest
        stable = previous
        self.previous = nil
        // Rollouts that came to nothing may have begun since the one that is undone.
        if let promotion { rollout = promotion }
        if rollout?.phase == .promoted { end(.rolledBack) }
        return digest
    }

    private mutating func rollBack(
        _ isQuarantined: ([UInt8]) -> Bool
    ) throws(RolloutRefusal) -> [UInt8]? {
        switch rollout?.phase {
        case .shadow, .canary, .paused:
            end(.rolledBack)
            return rollout?.candidate.digest
        case .promoted: return try undo(isQuarantined)
        case .rolledBack: return nil
        case .aborted: throw .wrongPhase(.aborted)
        case nil: throw .noRollout
        }
    }

    private mutating func quarantine(_ digest: [UInt8]) throws(RolloutRefusal) -> [UInt8]? {
        guard digest != stable.digest else { throw .isStable }
        if openRollout?.candidate.digest == digest { end(.rolledBack) }
        return digest
    }

    private mutating func end(_ phase: RolloutPhase) {
        rollout?.phase = phase
        rollout?.weight = .none
    }
}
