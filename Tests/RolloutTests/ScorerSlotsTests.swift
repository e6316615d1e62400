// SPDX-License-Identifier: Apache-2.0

import Base
import Testing

@testable import Rollout

/// Slots with a short way to say verbs.
struct Slots {
    var slots = ScorerSlots(stable: bundle(1))
    var quarantine: Set<[UInt8]> = []
    private var draws: UInt64 = 0

    @discardableResult
    mutating func callAsFunction(
        _ verb: Verb, expecting: UInt64? = nil
    ) throws(RolloutRefusal) -> SlotChange {
        let quarantine = quarantine
        let change = try slots.applying(
            verb, expecting: expecting, as: RolloutDraw(id: draws + 1, salt: "s/\(draws + 1)"),
            isQuarantined: { quarantine.contains($0) })
        draws += 1
        slots = change.slots
        if let digest = change.quarantined { self.quarantine.insert(digest) }
        return change
    }

    mutating func refusal(_ verb: Verb, expecting: UInt64? = nil) -> RolloutRefusal? {
        let before = slots
        do throws(RolloutRefusal) {
            try self(verb, expecting: expecting)
            return nil
        } catch {
            #expect(slots == before)
            return error
        }
    }

    var phase: RolloutPhase? { slots.rollout?.phase }
    var weight: Weight? { slots.rollout?.weight }
}

func bundle(_ number: UInt8) -> Bundle {
    Bundle(model: "m@\(number)", digest: [UInt8](repeating: number, count: 32))
}

func percent(_ percent: Double) -> Weight { Weight(percent: percent)! }

struct `The slots of a scorer` {
    @Test func `a candidate goes from shadow over canary and steps to STABLE`() throws {
        var slots = Slots()
        try slots(.shadow(bundle(2)))
        #expect(slots.slots.shadow == bundle(2) && slots.slots.canary == nil)
        try slots(.canary(bundle(2), percent(1), steps: [percent(5), percent(25)]))
        #expect(slots.slots.canary == bundle(2) && slots.slots.shadow == nil)
        #expect(slots.slots.rollout?.id == 1)
        try slots(.promote(isFull: false))
        #expect(slots.weight == percent(5))
        try slots(.promote(isFull: false))
        #expect(slots.weight == percent(25))
        try slots(.promote(isFull: false))
        #expect(slots.phase == .promoted && slots.weight == Weight.none)
        #expect(slots.slots.stable == bundle(2) && slots.slots.previous == bundle(1))
        #expect(slots.slots.revision == 5)
    }

    @Test func `a full promotion takes even a shadow to STABLE, another one does not`() throws {
        var slots = Slots()
        try slots(.shadow(bundle(2)))
        #expect(slots.refusal(.promote(isFull: false)) == .shadowNeedsFull)
        try slots(.promote(isFull: true))
        #expect(slots.slots.stable == bundle(2))
    }

    @Test func `while paused the weight only falls`() throws {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(10), steps: []))
        try slots(.pause)
        #expect(slots.refusal(.setWeight(percent(11))) == .risesWhilePaused)
        try slots(.setWeight(percent(2)))
        #expect(slots.phase == .paused && slots.slots.canary == bundle(2))
        try slots(.resume)
        try slots(.setWeight(percent(50)))
        #expect(slots.weight == percent(50))
    }

    @Test func `an aborted candidate may be tried again, with another draw`() throws {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(10), steps: []))
        let first = slots.slots.rollout
        try slots(.abort)
        #expect(slots.phase == .aborted && slots.weight == Weight.none && slots.slots.canary == nil)
        try slots(.canary(bundle(2), percent(10), steps: []))
        #expect(slots.slots.rollout?.id != first?.id && slots.slots.rollout?.salt != first?.salt)
    }

    @Test func `what was rolled back is not let in again`() throws {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(10), steps: []))
        let change = try slots(.rollBack)
        #expect(change.quarantined == bundle(2).digest && slots.phase == .rolledBack)
        #expect(slots.refusal(.shadow(bundle(2))) == .quarantined)
        let renamed = Bundle(model: "other@9", digest: bundle(2).digest)
        #expect(slots.refusal(.canary(renamed, percent(1), steps: [])) == .quarantined)
        slots.quarantine.removeAll()
        try slots(.shadow(renamed))
    }

    @Test func `undo puts the model before the promotion back, once`() throws {
        var slots = Slots()
        #expect(slots.refusal(.undo) == .nothingToUndo)
        try slots(.canary(bundle(2), percent(10), steps: []))
        try slots(.promote(isFull: true))
        try slots(.undo)
        #expect(slots.slots.stable == bundle(1) && slots.slots.previous == nil)
        #expect(slots.phase == .rolledBack && slots.quarantine == [bundle(2).digest])
        #expect(try !slots(.undo).isChange)
        try slots(.shadow(bundle(3)))
        #expect(slots.refusal(.undo) == .openRollout(slots.slots.rollout!))
        try slots(.abort)
        #expect(slots.refusal(.undo) == .nothingToUndo)
    }

    @Test func `a promotion can be undone until PREVIOUS is released, after another attempt too`()
        throws
    {
        var slots = Slots()
        try slots(.shadow(bundle(2)))
        try slots(.promote(isFull: true))
        try slots(.shadow(bundle(3)))
        try slots(.abort)
        var released = slots
        #expect(slots.slots.aftercare?.candidate == bundle(2))
        try slots(.undo)
        #expect(slots.slots.stable == bundle(1) && slots.phase == .rolledBack)
        #expect(slots.slots.rollout?.candidate == bundle(2) && slots.slots.aftercare == nil)
        try released(.releasePrevious)
        #expect(released.slots.previous == nil && released.slots.stable == bundle(2))
        #expect(released.slots.promotion == nil && released.slots.aftercare == nil)
        #expect(released.refusal(.undo) == .nothingToUndo)
    }

    @Test func `a candidate that was quarantined elsewhere gets no more weight, only less`() throws
    {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(5), steps: [percent(50)]))
        slots.quarantine = [bundle(2).digest]
        for verb in [.setWeight(percent(6)), .promote(isFull: false), .promote(isFull: true)]
            as [Verb]
        {
            #expect(slots.refusal(verb) == .quarantinedCandidate)
        }
        try slots(.setWeight(percent(4)))
        try slots(.pause)
        #expect(slots.refusal(.resume) == .quarantinedCandidate)
        try slots(.setWeight(.none))
        try slots(.abort)
        var shadow = Slots()
        try shadow(.shadow(bundle(2)))
        shadow.quarantine = [bundle(2).digest]
        #expect(shadow.refusal(.canary(bundle(2), percent(1), steps: [])) == .quarantined)
        #expect(shadow.refusal(.promote(isFull: true)) == .quarantinedCandidate)
    }

    @Test func `PREVIOUS that was quarantined elsewhere does not come back`() throws {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(5), steps: []))
        try slots(.promote(isFull: true))
        slots.quarantine = [bundle(1).digest]
        #expect(slots.refusal(.undo) == .quarantinedPrevious)
        #expect(slots.refusal(.rollBack) == .quarantinedPrevious)
        try slots(.quarantine(bundle(1).digest))
        #expect(slots.slots.previous == nil && slots.refusal(.undo) == .nothingToUndo)
        // What is in STABLE is never taken out, and is nothing to go back to behind the next promotion.
        slots.quarantine = [bundle(2).digest]
        try slots(.shadow(bundle(3)))
        try slots(.promote(isFull: true))
        #expect(slots.slots.stable == bundle(3) && slots.slots.previous == nil)
    }

    @Test func `quarantine rolls the rollout of those bytes back, and never empties STABLE`() throws
    {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(10), steps: []))
        try slots(.quarantine(bundle(9).digest))
        #expect(slots.phase == .canary)
        try slots(.quarantine(bundle(2).digest))
        #expect(slots.phase == .rolledBack)
        #expect(slots.refusal(.quarantine(bundle(1).digest)) == .isStable)
        try slots(.shadow(bundle(3)))
        try slots(.promote(isFull: true))
        try slots(.quarantine(bundle(1).digest))
        #expect(slots.slots.previous == nil)
    }

    @Test func `one rollout at a time`() throws {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(10), steps: []))
        let open = slots.slots.rollout!
        #expect(slots.refusal(.shadow(bundle(3))) == .openRollout(open))
        #expect(slots.refusal(.canary(bundle(3), percent(1), steps: [])) == .openRollout(open))
        #expect(slots.refusal(.canary(bundle(2), percent(1), steps: [])) == .openRollout(open))
        #expect(slots.refusal(.shadow(bundle(1))) == .openRollout(open))
    }

    @Test func `a repeated verb is no error and no revision`() throws {
        var slots = Slots()
        for verb in [
            .shadow(bundle(2)), .canary(bundle(2), percent(1), steps: []), .setWeight(percent(5)),
            .pause, .resume, .promote(isFull: true), .undo, .quarantine(bundle(2).digest),
            .shadow(bundle(3)), .abort, .canary(bundle(4), percent(1), steps: []), .rollBack,
        ] as [Verb] {
            try slots(verb)
            let revision = slots.slots.revision
            let again = try slots(verb)
            #expect(!again.isChange, "\(verb)")
            #expect(slots.slots.revision == revision, "\(verb)")
        }
    }

    @Test func `a verb that makes no sense is refused with the reason`() throws {
        var slots = Slots()
        for verb in [
            .setWeight(percent(5)), .pause, .resume, .promote(isFull: true), .abort, .rollBack,
        ] as [Verb] {
            #expect(slots.refusal(verb) == .noRollout, "\(verb)")
        }
        #expect(slots.refusal(.shadow(bundle(1))) == .isStable)
        #expect(slots.refusal(.canary(bundle(1), percent(1), steps: [])) == .isStable)
        #expect(slots.refusal(.canary(bundle(2), .none, steps: [])) == .noWeight)
        try slots(.shadow(bundle(2)))
        #expect(slots.refusal(.setWeight(percent(5))) == .wrongPhase(.shadow))
        #expect(slots.refusal(.pause) == .wrongPhase(.shadow))
        #expect(slots.refusal(.resume) == .wrongPhase(.shadow))
        try slots(.promote(isFull: true))
        #expect(slots.refusal(.abort) == .wrongPhase(.promoted))
        #expect(slots.refusal(.pause) == .noRollout)
    }

    @Test func `steps rise from above the weight, and are at most twenty`() throws {
        var slots = Slots()
        for steps in [[5.0, 5], [5, 4], [1], [0.5]] {
            let verb = Verb.canary(bundle(2), percent(1), steps: steps.map(percent))
            #expect(slots.refusal(verb) == .stepsDoNotRise)
        }
        let most = (2...RolloutLimits.stepsMax + 1).map { percent(Double($0)) }
        let over = most + [percent(99)]
        #expect(slots.refusal(.canary(bundle(2), percent(1), steps: over)) == .tooManySteps)
        try slots(.canary(bundle(2), percent(1), steps: most))
    }

    @Test func `a verb counts only for the revision that its caller has seen`() throws {
        var slots = Slots()
        try slots(.canary(bundle(2), percent(1), steps: [percent(5), percent(9)]), expecting: 0)
        #expect(slots.refusal(.setWeight(percent(7)), expecting: 0) == .otherRevision(1))
        #expect(slots.refusal(.setWeight(percent(7)), expecting: 2) == .otherRevision(1))
        try slots(.promote(isFull: false), expecting: 1)
        // The answer was lost and the same is asked again: the next step is not taken twice.
        let again = try slots(.promote(isFull: false), expecting: 1)
        #expect(!again.isChange && slots.weight == percent(5))
        try slots(.promote(isFull: false), expecting: 2)
        #expect(slots.weight == percent(9))
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `any sequence of verbs keeps the invariants`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var slots = Slots()
        for _ in 0..<400 {
            let before = slots
            let verb = Self.verb(&random)
            do throws(RolloutRefusal) {
                let change = try slots(verb)
                #expect(slots.slots.revision == before.slots.revision + (change.isChange ? 1 : 0))
                #expect(change.isChange == (slots.slots != before.slots))
            } catch {
                #expect(slots.slots == before.slots)
            }
            Self.check(slots, after: verb, before, "seed \(seed)")
            if Int.random(in: 0..<20, using: &random) == 0 { slots.quarantine.removeAll() }
        }
    }

    private static func verb(_ random: inout SeededGenerator) -> Verb {
        let bundle = bundle(.random(in: 1...4, using: &random))
        let weight = percent(Double(Int.random(in: 0...100, using: &random)))
        switch Int.random(in: 0..<14, using: &random) {
        case 0, 1: return .shadow(bundle)
        case 2, 3, 4:
            return .canary(bundle, weight, steps: weight < percent(50) ? [percent(50)] : [])
        case 5: return .setWeight(weight)
        case 6: return .pause
        case 7: return .resume
        case 8: return .promote(isFull: false)
        case 9: return .promote(isFull: true)
        case 10: return .abort
        case 11: return .undo
        case 12: return .rollBack
        default: return Bool.random(using: &random) ? .quarantine(bundle.digest) : .releasePrevious
        }
    }

    private static func check(
        _ now: Slots, after verb: Verb, _ before: Slots, _ comment: Comment
    ) {
        let slots = now.slots
        #expect(slots.stable.digest.count == 32, comment)
        #expect(slots.canary == nil || slots.shadow == nil, comment)
        #expect((slots.weight > .none) <= (slots.canary != nil), comment)
        if let promotion = slots.promotion {
            #expect(promotion.phase == .promoted, comment)
            #expect(promotion.candidate == slots.stable && slots.previous != nil, comment)
        }
        if let open = slots.openRollout {
            #expect(open.candidate.digest != slots.stable.digest, comment)
            // What is open may only be what was let in before its bytes were quarantined elsewhere.
            if before.slots.openRollout?.id != open.id {
                #expect(!before.quarantine.contains(open.candidate.digest), comment)
            }
            #expect(!now.quarantine.contains(open.candidate.digest), comment)
        }
        if slots.stable != before.slots.stable {
            switch verb {
            case .promote: #expect(slots.previous == before.slots.stable, comment)
            case .undo, .rollBack: #expect(slots.stable == before.slots.previous, comment)
            default: Issue.record("\(verb) changed STABLE, \(comment)")
            }
        }
        if verb.isRetreat, let weight = before.slots.rollout?.weight {
            #expect((slots.rollout?.weight ?? .none) <= weight, comment)
        }
    }
}

extension ScorerSlots {
    fileprivate var weight: Weight { rollout?.weight ?? .none }
}

extension Bool {
    /// Whether the left implies the right.
    fileprivate static func <= (left: Bool, right: Bool) -> Bool { !left || right }
}
