// SPDX-License-Identifier: Apache-2.0

/// What is done to a scorer's slots: by an operator, or by a guard.
package enum Verb: Hashable, Sendable {
    /// Evaluate a bundle beside STABLE; it answers nobody.
    case shadow(Bundle)
    /// Let a bundle answer a share of entities; from a shadow of the same bundle, or at once.
    case canary(Bundle, Weight, steps: [Weight])
    /// Another share; while paused only a smaller one.
    case setWeight(Weight)
    /// No rise of the weight until it is resumed.
    case pause
    /// Go on after a pause.
    case resume
    /// The next step, behind the last STABLE; `isFull` goes there at once.
    case promote(isFull: Bool)
    /// End the rollout; everybody is answered by STABLE.
    case abort
    /// Put the model before the last promotion back into STABLE.
    case undo
    /// A guard's verdict: what ``abort`` does to an open rollout and ``undo`` to a promoted one, and
    /// the bundle is quarantined.
    case rollBack
    /// Keep the bytes with this digest out of slots; a rollout of them is rolled back.
    case quarantine([UInt8])
    /// The time to undo the last promotion is over.
    case releasePrevious

    /// The verb's name as the command line has it.
    package var name: String {
        switch self {
        case .shadow: "shadow"
        case .canary: "canary"
        case .setWeight: "set-weight"
        case .pause: "pause"
        case .resume: "resume"
        case .promote: "promote"
        case .abort: "abort"
        case .undo: "undo"
        case .rollBack: "roll-back"
        case .quarantine: "quarantine"
        case .releasePrevious: "release-previous"
        }
    }

    /// Whether it only takes traffic away from a candidate or a promoted bundle: such a verb takes
    /// effect before it is recorded, and with a disk that takes no record too.
    package var isRetreat: Bool {
        switch self {
        case .abort, .undo, .rollBack, .quarantine: true
        case .shadow, .canary, .setWeight, .pause, .resume, .promote, .releasePrevious: false
        }
    }
}

extension Verb: CustomStringConvertible {
    /// The verb with its operands, the same for equal verbs: "canary stump@2 5% [5% 25%]".
    package var description: String {
        switch self {
        case .shadow(let bundle): "\(name) \(bundle.model)"
        case .canary(let bundle, let weight, let steps):
            "\(name) \(bundle.model) \(weight) [\(steps.map(\.description).joined(separator: " "))]"
        case .setWeight(let weight): "\(name) \(weight)"
        case .promote(let isFull): isFull ? "\(name) full" : name
        case .quarantine(let digest):
            "\(name) \(digest.map { String($0, radix: 16) }.joined(separator: "."))"
        case .pause, .resume, .abort, .undo, .rollBack, .releasePrevious: name
        }
    }
}
