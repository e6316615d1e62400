// SPDX-License-Identifier: Apache-2.0

// A shop full of simulated people: the source of the demo's traffic and of the rows that its
// model is trained on.
//
// A `Shop` lets shoppers arrive in simulated time. Each has a `Temperament` that nobody can see
// (intent, price sensitivity, patience) and walks through a `ShopperSession`, a state machine that
// emits `ShopEvent`s until the shopper buys or leaves. `SessionFeatures` folds the visible events
// into the values that a model may use. Abandonment is never drawn directly: it is what happens
// when shipping is dear, a card is declined, a rival is cheaper or the phone rings.
//
// Invariant: the same seed gives the same events, bit for bit, on every machine; no libm, no
// `Hasher`, no clock. Trap: `Temperament` is for tests; a feature made of it would be cheating.
// Trap: a change of behaviour makes the committed model stale: retrain it (Sources/Demo/Training).
//
//     var features: [Int: SessionFeatures] = [:]
//     for moment in Shop(seed: 7, opening: .now(), sessions: 1_000) {
//         features[moment.session, default: SessionFeatures(moment)].record(moment.event)
//     }
