// SPDX-License-Identifier: Apache-2.0
//
// Rollout: how a new model is brought in, and when it is taken out again.
//
// Pure values without I/O: events go in, a verdict comes out, time is passed in. `Evidence` weighs a
// canary against its stable model and against the tolerances its authors declared; `AdvanceRule`
// says when the canary may have more traffic; `Drift` tells the world's changes from the model's.
//
// Invariant: a canary within its tolerances is ever rolled back with probability at most alpha,
// however long the rollout runs and however often it is looked at (Ville's inequality). What a
// computer adds (rounding, a full filter, a restart) can only make a rollback later.
//
// Traps: an arm must be chosen by the entity's hash alone, or the coin that everything rests on is
// loaded (the sample-ratio test guards this). Keep test users who are forced onto the canary out.
// Labels enter at one fixed age, in the order of their predictions: early ones are mostly positive.
// Evidence says "different", and the declared tolerance says how much of that is wanted.
//
//     var evidence = Evidence(rule: EvidenceRule(), seed: salt, share: 0.05)
//     switch evidence.observe(request: entity, arm: .canary, outcome: [.error]) {
//     case .within: break
//     case .freeze, .pause: holdTheWeight()
//     case .rollback(let cause): rollBack(cause)
//     }
